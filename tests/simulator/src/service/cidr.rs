//! IP ranges in CIDR notation.

use std::net::IpAddr;

/// Whether `range` is well formed: an address, a slash, a length that fits.
pub(crate) fn is_valid(range: &str) -> bool {
    parse(range).is_some()
}

/// Whether `address` lies in `range`.
pub(crate) fn contains(range: &str, address: IpAddr) -> bool {
    // A dual-stack listener reports IPv4 peers as mapped IPv6 addresses.
    let address = address.to_canonical();
    match (parse(range), address) {
        (Some((IpAddr::V4(net), bits)), IpAddr::V4(address)) => {
            let mask = u32::MAX.checked_shl(32 - bits).unwrap_or(0);
            u32::from(net) & mask == u32::from(address) & mask
        }
        (Some((IpAddr::V6(net), bits)), IpAddr::V6(address)) => {
            let mask = u128::MAX.checked_shl(128 - bits).unwrap_or(0);
            u128::from(net) & mask == u128::from(address) & mask
        }
        _ => false,
    }
}

fn parse(range: &str) -> Option<(IpAddr, u32)> {
    let (address, bits) = range.split_once('/')?;
    let address: IpAddr = address.parse().ok()?;
    let bits: u32 = bits.parse().ok()?;
    let longest = if address.is_ipv4() { 32 } else { 128 };
    (bits <= longest).then_some((address, bits))
}

#[cfg(test)]
mod tests {
    use super::{contains, is_valid};

    #[test]
    fn ranges_hold_what_they_should() {
        let home = "127.0.0.1".parse().unwrap();
        for (range, inside) in [
            ("127.0.0.0/8", true),
            ("127.0.0.1/32", true),
            ("0.0.0.0/0", true),
            ("10.0.0.0/8", false),
            ("::/0", false),
        ] {
            assert_eq!(contains(range, home), inside, "{range}");
            assert!(is_valid(range));
        }
        for wrong in ["127.0.0.1", "127.0.0.1/33", "::/129", "x/8", "127.0.0.1/"] {
            assert!(!is_valid(wrong), "{wrong}");
        }
    }
}
