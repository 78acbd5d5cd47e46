//! The simulator's own certificate authority and the certificate it serves.

use std::io;
use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, date_time_ymd,
};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio_rustls::rustls::{ServerConfig, crypto};

pub(crate) struct Identity {
    pub(crate) acceptor: TlsAcceptor,
    pub(crate) ca_pem: String,
}

/// Makes a CA and a certificate for `names` (host names and IP addresses) under it. The keys
/// are new each time and live in memory only.
pub(crate) fn identity(names: &[String], expired: bool) -> io::Result<Identity> {
    let ca_key = KeyPair::generate().map_err(io::Error::other)?;
    let mut ca = CertificateParams::new(Vec::new()).map_err(io::Error::other)?;
    ca.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    ca.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    ca.distinguished_name.push(DnType::CommonName, "emnify simulator CA, for tests only");
    let ca_certificate = ca.self_signed(&ca_key).map_err(io::Error::other)?;
    let issuer = Issuer::new(ca, ca_key);

    let key = KeyPair::generate().map_err(io::Error::other)?;
    let mut leaf = CertificateParams::new(names.to_vec()).map_err(io::Error::other)?;
    leaf.distinguished_name.push(DnType::CommonName, "emnify simulator");
    leaf.use_authority_key_identifier_extension = true;
    leaf.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    leaf.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    // Valid long before and after today: tests run under clocks that are decades off, and what
    // they test is seldom the certificate.
    leaf.not_before = date_time_ymd(1970, 1, 1);
    leaf.not_after = if expired { date_time_ymd(2001, 1, 1) } else { date_time_ymd(2100, 1, 1) };
    let certificate = leaf.signed_by(&key, &issuer).map_err(io::Error::other)?;

    // The provider is named and not taken from the process: whoever links the simulator into a
    // test may have installed another one, or two.
    let mut config =
        ServerConfig::builder_with_provider(Arc::new(crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(io::Error::other)?
            .with_no_client_auth()
            .with_single_cert(
                vec![certificate.der().clone()],
                PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der())),
            )
            .map_err(io::Error::other)?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Identity { acceptor: TlsAcceptor::from(Arc::new(config)), ca_pem: ca_certificate.pem() })
}
