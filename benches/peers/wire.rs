//! How an answer ends, and whether it is a yes: as much of HTTP/1.1, RESP and PostgreSQL's protocol as the generator needs.
//!
//! Promises: an answer that is not a yes is an error that carries its text, so a run never counts refusals as work.
//! What is *not* here: a reading of what an answer says; what was done is counted in the stores afterwards.

use postgres_protocol::message::backend::Header;

/// A protocol of answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wire {
    /// HTTP/1.1 with `content-length`; a yes is 2xx.
    Http,
    /// RESP; a yes is the number one.
    Redis,
    /// PostgreSQL's extended query; a yes changed one row, or was no change at all.
    Postgres,
}

impl Wire {
    /// Length of the first answer in `bytes`, nothing while it is not whole.
    pub fn answer(self, bytes: &[u8]) -> Result<Option<usize>, String> {
        match self {
            Self::Http => http(bytes),
            Self::Redis => redis(bytes),
            Self::Postgres => postgres(bytes),
        }
    }
}

fn told(bytes: &[u8]) -> String {
    String::from_utf8_lossy(&bytes[..bytes.len().min(2_000)]).into_owned()
}

/// The head up to its empty line, and the body behind it.
fn http(bytes: &[u8]) -> Result<Option<usize>, String> {
    let Some(head) = end_of_head(bytes) else { return Ok(None) };
    let length = content_length(&bytes[..head]).ok_or_else(|| format!("no content-length: {}", told(bytes)))?;
    let whole = head + length;
    if bytes.len() < whole {
        return Ok(None);
    }
    if !bytes.starts_with(b"HTTP/1.1 2") {
        return Err(told(bytes));
    }
    Ok(Some(whole))
}

fn end_of_head(bytes: &[u8]) -> Option<usize> {
    let mut from = 0;
    while let Some(at) = bytes[from..].iter().position(|byte| *byte == b'\r') {
        let at = from + at;
        if bytes[at..].starts_with(b"\r\n\r\n") {
            return Some(at + 4);
        }
        from = at + 1;
    }
    None
}

fn content_length(head: &[u8]) -> Option<usize> {
    const NAME: &[u8] = b"content-length: ";
    let line = head.split(|byte| *byte == b'\n').find(|line| {
        line.len() > NAME.len() && line[0] | 0x20 == b'c' && line[..NAME.len()].eq_ignore_ascii_case(NAME)
    })?;
    std::str::from_utf8(line[NAME.len()..].trim_ascii()).ok()?.parse().ok()
}

fn redis(bytes: &[u8]) -> Result<Option<usize>, String> {
    match bytes {
        [.., b'\n'] if bytes.starts_with(b":1\r\n") => Ok(Some(4)),
        [.., b'\n'] => Err(told(bytes)),
        _ => Ok(None),
    }
}

/// All messages up to the one that says that the server is ready for more.
fn postgres(bytes: &[u8]) -> Result<Option<usize>, String> {
    let mut at = 0;
    while let Some(header) = Header::parse(&bytes[at..]).map_err(|fault| fault.to_string())? {
        let end = at + 1 + usize::try_from(header.len()).map_err(|_| "a message of no length")?;
        let Some(message) = bytes.get(at + 5..end) else { return Ok(None) };
        match header.tag() {
            b'E' => return Err(told(message)),
            b'C' if message.starts_with(b"INSERT 0 0") || message.starts_with(b"UPDATE 0") => {
                return Err("no row was changed".into());
            }
            b'Z' => return Ok(Some(end)),
            _ => at = end,
        }
    }
    Ok(None)
}
