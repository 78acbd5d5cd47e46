//! Undoing gzip (RFC 1952).
//!
//! On `miniz_oxide` itself rather than `flate2` around it: that one puts its decoder, 53 KiB,
//! together on the stack before it moves it to the heap, which a thread with a stack of 64 KiB
//! does not survive.

use miniz_oxide::inflate::TINFLStatus;
use miniz_oxide::inflate::core::{DecompressorOxide, decompress};
use zeroize::Zeroizing;

use crate::collected::{Collected, Refused};

/// Why gzip could not be undone.
#[derive(Debug)]
pub(super) enum Undecodable {
    Refused(Refused),
    Corrupt,
}

/// How far back a repetition may reach.
const WINDOW: usize = 32 * 1024;

/// Undoes gzip; the result may have `limit` bytes, whatever the compressed size.
pub(super) fn gunzip(compressed: &[u8], limit: usize) -> Result<Zeroizing<Vec<u8>>, Undecodable> {
    let mut plain = Collected::new(limit);
    let mut rest = compressed;
    // Answers to which nothing belongs (201, 204) come with an empty body, whatever is declared.
    if !rest.is_empty() {
        let mut decoder = Box::<DecompressorOxide>::default();
        let mut window = Zeroizing::new(vec![0; WINDOW]);
        // Several files one after the other are one, says the RFC.
        while !rest.is_empty() {
            decoder.init();
            let deflated = after_header(rest).ok_or(Undecodable::Corrupt)?;
            rest = member(deflated, &mut decoder, &mut window, &mut plain)?;
        }
    }
    Ok(plain.into_bytes(limit))
}

/// Undoes one file without its header, and returns what follows it.
fn member<'a>(
    mut deflated: &'a [u8],
    decoder: &mut DecompressorOxide,
    window: &mut [u8],
    plain: &mut Collected,
) -> Result<&'a [u8], Undecodable> {
    let mut checksum = crc32fast::Hasher::new();
    let mut length = 0_u32;
    let mut at = 0;
    loop {
        let (status, read, written) = decompress(decoder, deflated, window, at, 0);
        let new = &window[at..at + written];
        plain.push(new).map_err(Undecodable::Refused)?;
        checksum.update(new);
        // Modulo 2³², as the RFC has it.
        length = length.wrapping_add(u32::try_from(written).unwrap_or(0));
        at = (at + written) % WINDOW;
        deflated = &deflated[read..];
        match status {
            TINFLStatus::HasMoreOutput => {}
            TINFLStatus::Done => break,
            _ => return Err(Undecodable::Corrupt),
        }
    }
    let (trailer, rest) = deflated.split_first_chunk::<8>().ok_or(Undecodable::Corrupt)?;
    let expected = [checksum.finalize().to_le_bytes(), length.to_le_bytes()].concat();
    if trailer[..] == expected[..] { Ok(rest) } else { Err(Undecodable::Corrupt) }
}

/// What follows the header of a file; `None` where it has none.
fn after_header(file: &[u8]) -> Option<&[u8]> {
    const HEADER_CHECKSUM: u8 = 2;
    const EXTRA: u8 = 4;
    const NAME: u8 = 8;
    const COMMENT: u8 = 16;
    const RESERVED: u8 = 0xE0;

    let (header, mut rest) = file.split_first_chunk::<10>()?;
    let [0x1F, 0x8B, 8, flags, ..] = *header else { return None };
    if flags & RESERVED != 0 {
        return None;
    }
    if flags & EXTRA != 0 {
        let (length, more) = rest.split_first_chunk()?;
        rest = more.get(usize::from(u16::from_le_bytes(*length))..)?;
    }
    for text in [NAME, COMMENT] {
        if flags & text != 0 {
            let end = rest.iter().position(|byte| *byte == 0)?;
            rest = &rest[end + 1..];
        }
    }
    if flags & HEADER_CHECKSUM != 0 {
        rest = rest.get(2..)?;
    }
    Some(rest)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn gzip(plain: &[u8], builder: flate2::GzBuilder) -> Vec<u8> {
        let mut encoder = builder.write(Vec::new(), flate2::Compression::best());
        encoder.write_all(plain).unwrap();
        encoder.finish().unwrap()
    }

    fn plainly(plain: &[u8]) -> Vec<u8> {
        gzip(plain, flate2::GzBuilder::new())
    }

    #[test]
    fn it_is_undone_within_the_limit() {
        let bomb = plainly(&[b'a'; 1_000_000]);
        assert_eq!(gunzip(&bomb, 1_000_000).unwrap().len(), 1_000_000);
        assert!(matches!(gunzip(&bomb, 999_999), Err(Undecodable::Refused(Refused::TooLarge))));
        assert_eq!(*gunzip(b"", 100).unwrap(), b"");
    }

    #[test]
    fn what_is_longer_than_the_window_comes_out_as_it_went_in() {
        // No two parts of a window's length are alike, and all reach back.
        let plain: Vec<u8> = (0..200_000_u32).flat_map(|n| (n / 7).to_le_bytes()).collect();
        assert_eq!(*gunzip(&plainly(&plain), plain.len()).unwrap(), plain);
        let random: Vec<u8> = std::iter::repeat_with(|| fastrand::u8(..)).take(100_000).collect();
        assert_eq!(*gunzip(&plainly(&random), random.len()).unwrap(), random);
    }

    #[test]
    fn what_a_header_may_hold_is_skipped_and_files_are_joined() {
        let builder = flate2::GzBuilder::new().filename("name").comment("words").extra("extra");
        let files = [gzip(b"one ", builder), plainly(b""), plainly(b"two")].concat();
        assert_eq!(*gunzip(&files, 100).unwrap(), b"one two");
        for builder in [
            flate2::GzBuilder::new().filename("name"),
            flate2::GzBuilder::new().comment("words"),
            flate2::GzBuilder::new().extra(""),
        ] {
            assert_eq!(*gunzip(&gzip(b"text", builder), 100).unwrap(), b"text");
        }
        let mut with_checksum = plainly(b"text");
        with_checksum[3] = 2;
        with_checksum.splice(10..10, *b"##");
        assert_eq!(*gunzip(&with_checksum, 100).unwrap(), b"text");
    }

    #[test]
    fn whatever_is_cut_off_or_damaged_is_noticed() {
        let text = b"some text, some text, some text";
        let whole = plainly(text);
        for end in 1..whole.len() {
            assert!(matches!(gunzip(&whole[..end], 1000), Err(Undecodable::Corrupt)), "{end}");
        }
        let damaged = |at: usize| {
            let mut damaged = whole.clone();
            damaged[at] ^= 0x20;
            gunzip(&damaged, 1000)
        };
        let trailer = whole.len() - 8;
        for at in (0..4).chain(trailer..whole.len()) {
            assert!(matches!(damaged(at), Err(Undecodable::Corrupt)), "{at}");
        }
        for at in 10..trailer {
            // A few bits behind the end of the data mean nothing.
            assert!(damaged(at).map_or(true, |plain| *plain == text), "{at}");
        }
        assert!(gunzip(&[&whole[..], b"more"].concat(), 1000).is_err());
        assert!(gunzip(b"{}", 100).is_err());
    }
}
