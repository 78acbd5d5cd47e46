//! Finds the body in the bytes of an HTTP/1.1 answer.

/// Splits the bytes of an answer into what ureq needs to see (status line, headers, chunk sizes)
/// and what it must not: the body.
///
/// ureq-proto writes every byte it parses to the `log` crate at trace level, tokens included. So
/// the body is taken out before ureq gets the bytes, and zeros stand in its place. This is not a
/// second opinion on the protocol: ureq judges the framing, and a disagreement shows as a body
/// of another length than ureq counted, which fails the call.
#[derive(Debug, Default)]
pub(super) struct Framing {
    state: State,
    /// The beginning of the current line.
    line: Vec<u8>,
    first_line: bool,
    http10: bool,
    informational: bool,
    chunked: bool,
    /// The values of `Content-Encoding`, which ureq is not shown.
    content_encoding: Vec<u8>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Start,
    Head,
    /// The rest is body: its length is ureq's business.
    Plain,
    ChunkSize,
    Chunk(usize),
    ChunkEnd,
    Trailer,
}

/// More of a line than any decision depends on.
const LINE: usize = 512;

impl Framing {
    /// Zeroes the parts of `bytes` that belong to the body, after handing them to `body`.
    pub(super) fn take_body<E>(
        &mut self,
        bytes: &mut [u8],
        mut body: impl FnMut(&[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut rest = bytes;
        while !rest.is_empty() {
            let here = match self.state {
                State::Plain => rest.len(),
                State::Chunk(left) => left.min(rest.len()),
                _ => {
                    let (byte, after) = rest.split_at_mut(1);
                    let hidden = self.is_in_content_encoding() && byte[0].is_ascii_graphic();
                    self.byte(byte[0]);
                    if hidden {
                        byte[0] = b'-';
                    }
                    rest = after;
                    continue;
                }
            };
            let (part, after) = rest.split_at_mut(here);
            let taken = body(part);
            part.fill(0);
            rest = after;
            if let State::Chunk(left) = self.state {
                self.state = if left == here { State::ChunkEnd } else { State::Chunk(left - here) };
            }
            taken?;
        }
        Ok(())
    }

    /// What the body is encoded with, as the answer's head says.
    pub(super) fn content_encoding(&self) -> &[u8] {
        &self.content_encoding
    }

    /// Whether the next byte belongs to the value of `Content-Encoding`.
    ///
    /// ureq undoes an encoding itself where its feature for that is on, which another crate of the
    /// same program may have switched on; and what it is given here are the zeros.
    fn is_in_content_encoding(&self) -> bool {
        self.state == State::Head && !self.first_line && value_of(&self.line, ENCODING).is_some()
    }

    fn byte(&mut self, byte: u8) {
        if self.state == State::Start {
            self.state = State::Head;
            self.first_line = true;
            self.chunked = false;
            self.content_encoding.clear();
        }
        if byte != b'\n' {
            if self.line.len() < LINE {
                self.line.push(byte);
            }
            return;
        }
        if self.line.last() == Some(&b'\r') {
            self.line.pop();
        }
        match self.state {
            State::Head => self.head_line(),
            State::ChunkSize => {
                self.state = match chunk_size(&self.line) {
                    Some(0) => State::Trailer,
                    Some(size) => State::Chunk(size),
                    // ureq will refuse it; until then all of it counts as body.
                    None => State::Plain,
                };
            }
            State::ChunkEnd => self.state = State::ChunkSize,
            State::Trailer if self.line.is_empty() => self.state = State::Plain,
            _ => {}
        }
        self.line.clear();
    }

    fn head_line(&mut self) {
        let line = &self.line;
        if self.first_line {
            // Empty lines in front of the status line are skipped, as httparse does.
            if line.is_empty() {
                return;
            }
            self.first_line = false;
            self.http10 = line.starts_with(b"HTTP/1.0");
            let status = line.get(9..12).unwrap_or_default();
            self.informational = status.first() == Some(&b'1') && status != b"101";
        } else if line.is_empty() {
            self.state = if self.informational {
                State::Start
            } else if self.chunked && !self.http10 {
                State::ChunkSize
            } else {
                State::Plain
            };
        } else if let Some(coding) = value_of(line, ENCODING) {
            if !self.content_encoding.is_empty() {
                self.content_encoding.extend_from_slice(b", ");
            }
            self.content_encoding.extend_from_slice(coding.trim_ascii());
        } else if value_of(line, b"transfer-encoding:").is_some_and(|v| lists(v, b"chunked")) {
            self.chunked = true;
        }
    }
}

const ENCODING: &[u8] = b"content-encoding:";

/// What follows in a header line that begins with `name`, which is given with its colon.
fn value_of<'a>(line: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    let (start, value) = line.split_at_checked(name.len())?;
    start.eq_ignore_ascii_case(name).then_some(value)
}

/// Whether `word` stands in a list with commas.
pub(super) fn lists(value: &[u8], word: &[u8]) -> bool {
    value.split(|byte| *byte == b',').any(|part| part.trim_ascii().eq_ignore_ascii_case(word))
}

fn chunk_size(line: &[u8]) -> Option<usize> {
    let digits = line.split(|byte| *byte == b';').next().unwrap_or_default();
    usize::from_str_radix(std::str::from_utf8(digits).ok()?.trim(), 16).ok()
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use super::*;

    /// Feeds `answer` in pieces of `step` bytes; gives what ureq would see, and the body.
    fn split(answer: &[u8], step: usize) -> (Vec<u8>, Vec<u8>) {
        let mut framing = Framing::default();
        let (mut seen, mut body) = (Vec::new(), Vec::new());
        for piece in answer.chunks(step) {
            let mut piece = piece.to_vec();
            framing
                .take_body(&mut piece, |part| {
                    body.extend_from_slice(part);
                    Ok::<_, Infallible>(())
                })
                .unwrap();
            seen.extend_from_slice(&piece);
        }
        (seen, body)
    }

    fn assert_split(answer: &[u8], seen: &[u8], body: &[u8]) {
        for step in 1..=answer.len() {
            let result = split(answer, step);
            assert_eq!(result, (seen.to_vec(), body.to_vec()), "in steps of {step}");
        }
    }

    #[test]
    fn everything_after_the_head_is_body() {
        assert_split(
            b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\ntoken",
            b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n\0\0\0\0\0",
            b"token",
        );
        assert_split(
            b"HTTP/1.0 200 OK\n\nx\r\n\r\ny",
            b"HTTP/1.0 200 OK\n\n\0\0\0\0\0\0",
            b"x\r\n\r\ny",
        );
        // No interim answer: nothing follows it.
        assert_split(
            b"HTTP/1.1 101 Switching Protocols\r\n\r\nbody\n",
            b"HTTP/1.1 101 Switching Protocols\r\n\r\n\0\0\0\0\0",
            b"body\n",
        );
        // HTTP/1.0 has no chunks.
        assert_split(
            b"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n",
            b"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n\0\0\0\0\0\0",
            b"1\r\nx\r\n",
        );
    }

    #[test]
    fn of_chunks_only_the_contents_are_body() {
        assert_split(
            b"HTTP/1.1 200 OK\r\ntransfer-Encoding: gzip, Chunked\r\n\r\n\
              3;x=y\r\nabc\r\n00A\r\n0123456789\r\n0\r\nT: v\r\n\r\n",
            b"HTTP/1.1 200 OK\r\ntransfer-Encoding: gzip, Chunked\r\n\r\n\
              3;x=y\r\n\0\0\0\r\n00A\r\n\0\0\0\0\0\0\0\0\0\0\r\n0\r\nT: v\r\n\r\n",
            b"abc0123456789",
        );
    }

    #[test]
    fn an_informational_answer_comes_before_the_real_one() {
        assert_split(
            b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\n\r\nbody",
            b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\n\r\n\0\0\0\0",
            b"body",
        );
        // What it says of a body is not said of the other's.
        assert_split(
            b"HTTP/1.1 103 Early Hints\r\nTransfer-Encoding: chunked\r\n\r\n\
              HTTP/1.1 200 OK\r\n\r\nbody",
            b"HTTP/1.1 103 Early Hints\r\nTransfer-Encoding: chunked\r\n\r\n\
              HTTP/1.1 200 OK\r\n\r\n\0\0\0\0",
            b"body",
        );
        let mut framing = Framing::default();
        let mut heads = *b"HTTP/1.1 103 Early Hints\r\nContent-Encoding: br\r\n\r\n\
            HTTP/1.1 200 OK\r\n\r\n";
        framing.take_body(&mut heads, |_| Ok::<_, Infallible>(())).unwrap();
        assert_eq!(framing.content_encoding(), b"");
    }

    #[test]
    fn empty_lines_in_front_of_an_answer_are_no_part_of_it() {
        assert_split(
            b"\r\n\nHTTP/1.1 103 Early Hints\r\n\r\n\r\nHTTP/1.1 200 OK\r\n\r\nbody",
            b"\r\n\nHTTP/1.1 103 Early Hints\r\n\r\n\r\nHTTP/1.1 200 OK\r\n\r\n\0\0\0\0",
            b"body",
        );
    }

    #[test]
    fn what_follows_the_last_chunk_is_hidden() {
        assert_split(
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n\
              1\r\na\r\n0\r\nT: v\r\n\r\nmore\n",
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n\
              1\r\n\0\r\n0\r\nT: v\r\n\r\n\0\0\0\0\0",
            b"amore\n",
        );
    }

    #[test]
    fn a_line_without_end_takes_no_memory() {
        let mut framing = Framing::default();
        let mut head = *b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;";
        framing.take_body(&mut head, |_| Ok::<_, Infallible>(())).unwrap();
        for _ in 0..100 {
            framing.take_body(&mut [b'x'; 1000], |_| Ok::<_, Infallible>(())).unwrap();
        }
        assert!(framing.line.capacity() <= 2 * LINE, "{} bytes", framing.line.capacity());
    }

    #[test]
    fn chunks_that_make_no_sense_are_hidden_all_the_same() {
        let (seen, body) =
            split(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nsecret", 7);
        assert!(!seen.windows(6).any(|part| part == b"secret"));
        assert_eq!(body, b"secret");
    }

    #[test]
    fn the_encoding_is_hidden_since_another_crate_may_have_taught_ureq_to_undo_it() {
        let head = b"HTTP/1.1 200 OK\r\ncontent-ENCODING: gzip, br\r\nx: gzip\r\n\r\n";
        let hidden = b"HTTP/1.1 200 OK\r\ncontent-ENCODING: ----- --\r\nx: gzip\r\n\r\n";
        for step in 1..head.len() {
            assert_eq!(split(head, step).0, hidden);
        }
        let mut framing = Framing::default();
        framing.take_body(&mut head.to_vec(), |_| Ok::<_, Infallible>(())).unwrap();
        assert_eq!(framing.content_encoding(), b"gzip, br");
        let mut framing = Framing::default();
        let mut head =
            *b"HTTP/1.1 200 OK\r\nContent-Encoding: br\r\nContent-Encoding: gzip\r\n\r\n";
        framing.take_body(&mut head, |_| Ok::<_, Infallible>(())).unwrap();
        assert_eq!(framing.content_encoding(), b"br, gzip");
    }
}
