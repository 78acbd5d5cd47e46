//! The simulator's own certificate authority and the certificate it serves.

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, date_time_ymd,
};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio_rustls::rustls::version::TLS12;
use tokio_rustls::rustls::{ALL_VERSIONS, ServerConfig, crypto};

pub(crate) struct Identity {
    pub(crate) acceptor: TlsAcceptor,
    pub(crate) ca_pem: String,
}

/// What the certificates are to be like.
pub(crate) struct Wanted {
    /// Host names and IP addresses.
    pub(crate) names: Vec<String>,
    pub(crate) expired: bool,
    /// In PKCS #8 and PEM, for all of them; a new one for each otherwise.
    pub(crate) key: Option<String>,
    /// How many CAs there are below the one that clients trust.
    pub(crate) intermediates: usize,
    pub(crate) tls12_only: bool,
}

impl Wanted {
    fn key(&self) -> io::Result<KeyPair> {
        match &self.key {
            Some(pem) => KeyPair::from_pem(pem),
            None => KeyPair::generate(),
        }
        .map_err(io::Error::other)
    }
}

/// Makes a CA and a certificate under it. New keys live in memory only.
pub(crate) fn identity(wanted: &Wanted) -> io::Result<Identity> {
    let ca_key = wanted.key()?;
    let ca = ca("emnify simulator CA, for tests only")?;
    let ca_certificate = ca.self_signed(&ca_key).map_err(io::Error::other)?;
    let mut issuer = Issuer::new(ca, ca_key);

    // As it is sent: each certificate is followed by that of its issuer.
    let mut chain = VecDeque::new();
    for number in 1..=wanted.intermediates {
        let key = wanted.key()?;
        let ca = self::ca(&format!("emnify simulator CA {number}, for tests only"))?;
        let certificate = ca.signed_by(&key, &issuer).map_err(io::Error::other)?;
        chain.push_front(certificate.der().clone());
        issuer = Issuer::new(ca, key);
    }

    let key = wanted.key()?;
    let mut leaf = CertificateParams::new(wanted.names.clone()).map_err(io::Error::other)?;
    leaf.distinguished_name.push(DnType::CommonName, "emnify simulator");
    leaf.use_authority_key_identifier_extension = true;
    leaf.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    leaf.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    // Valid long before and after today: tests run under clocks that are decades off, and what
    // they test is seldom the certificate.
    leaf.not_before = date_time_ymd(1970, 1, 1);
    let end = if wanted.expired { 2001 } else { 2100 };
    leaf.not_after = date_time_ymd(end, 1, 1);
    let certificate = leaf.signed_by(&key, &issuer).map_err(io::Error::other)?;
    chain.push_front(certificate.der().clone());

    // The provider is named and not taken from the process: whoever links the simulator into a
    // test may have installed another one, or two.
    let versions = if wanted.tls12_only { &[&TLS12][..] } else { ALL_VERSIONS };
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let mut config =
        ServerConfig::builder_with_provider(Arc::new(crypto::ring::default_provider()))
            .with_protocol_versions(versions)
            .map_err(io::Error::other)?
            .with_no_client_auth()
            .with_single_cert(chain.into(), key)
            .map_err(io::Error::other)?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Identity { acceptor: TlsAcceptor::from(Arc::new(config)), ca_pem: ca_certificate.pem() })
}

fn ca(name: &str) -> io::Result<CertificateParams> {
    let mut ca = CertificateParams::new(Vec::new()).map_err(io::Error::other)?;
    ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    ca.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    ca.distinguished_name.push(DnType::CommonName, name);
    Ok(ca)
}
