//! Time-based one-time codes (RFC 6238: SHA-1, six digits, thirty seconds) and their base32.

use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;

/// Seconds a code is good for.
const STEP: u64 = 30;

/// The step in which `code` is right for `key`, now or one step to either side.
pub(crate) fn matching_step(key: &[u8], code: &str, unix: i64) -> Option<u64> {
    let now = u64::try_from(unix).ok()? / STEP;
    (now.saturating_sub(1)..=now + 1).find(|step| self::code(key, *step) == code)
}

/// The code of a key in a step.
pub(crate) fn code(key: &[u8], step: u64) -> String {
    let mut mac = Hmac::<Sha1>::new_from_slice(key).expect("HMAC takes any key length");
    mac.update(&step.to_be_bytes());
    let digest = mac.finalize().into_bytes();
    let at = usize::from(digest[19] & 0xf);
    let [a, b, c, d] = [digest[at], digest[at + 1], digest[at + 2], digest[at + 3]];
    let number = u32::from_be_bytes([a & 0x7f, b, c, d]);
    format!("{:06}", number % 1_000_000)
}

/// RFC 4648 base32 without padding, as `otpauth` URLs want it. `bytes` come in fives.
pub(crate) fn base32(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let (mut text, mut held, mut bits) = (String::new(), 0_u32, 0);
    for byte in bytes {
        held = (held << 8) | u32::from(*byte);
        bits += 8;
        while bits >= 5 {
            bits -= 5;
            text.push(char::from(DIGITS[(held >> bits) as usize & 31]));
        }
        held &= (1 << bits) - 1;
    }
    text
}

#[cfg(test)]
mod tests {
    use super::{base32, code, matching_step};

    #[test]
    fn the_codes_are_those_of_rfc_6238() {
        let key = b"12345678901234567890";
        assert_eq!(code(key, 59 / 30), "287082");
        assert_eq!(code(key, 1_111_111_109 / 30), "081804");
        assert_eq!(matching_step(key, "081804", 1_111_111_109 + 30), Some(37_037_036));
        assert_eq!(matching_step(key, "081804", 1_111_111_109 + 90), None);
        assert_eq!(base32(key), "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ");
    }
}
