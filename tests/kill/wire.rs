//! HTTP/1.1 as a client speaks it: one connection kept alive, one request at a time.
//!
//! A broken connection is an error and stays one: whether the request took effect is then not known, and only whoever
//! sent it knows what to do about that. Bodies have a length, and are JSON or plain text; nothing else is understood.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use serde_json::Value;

/// Longest wait for an answer.
const PATIENCE: Duration = Duration::from_secs(30);

/// What is asked.
#[derive(Clone, Debug)]
pub struct Request {
    pub method: &'static str,
    pub path: String,
    pub key: Option<String>,
    /// `Null` for none.
    pub body: Value,
}

impl Request {
    pub fn get(path: impl Into<String>) -> Self {
        Self { method: "GET", path: path.into(), key: None, body: Value::Null }
    }

    pub fn put(path: impl Into<String>, body: Value) -> Self {
        Self { method: "PUT", path: path.into(), key: None, body }
    }

    pub fn post(path: impl Into<String>, key: String, body: Value) -> Self {
        Self { method: "POST", path: path.into(), key: Some(key), body }
    }
}

/// What was answered.
#[derive(Clone, Debug)]
pub struct Answer {
    pub status: u16,
    /// Whether the server says that it had answered this before.
    pub replayed: bool,
    pub body: Value,
}

impl Answer {
    pub fn code(&self) -> &str {
        self.body["code"].as_str().unwrap_or_default()
    }

    pub fn is_done(&self) -> bool {
        self.status < 300
    }

    /// What was answered for each of a batch, as if it had been asked for alone; the same for all when the whole was
    /// refused.
    pub fn of_part(&self, at: usize) -> Self {
        let item = &self.body["items"][at];
        if !self.is_done() {
            return self.clone();
        }
        let body = if item["problem"].is_null() { &item["reservation"] } else { &item["problem"] };
        let status = item["status"].as_u64().and_then(|status| u16::try_from(status).ok());
        Self { status: status.unwrap_or(0), replayed: self.replayed, body: body.clone() }
    }

    /// Whether it, or a part of it, says so.
    pub fn says(&self, status: u16) -> bool {
        let parts = self.body["items"].as_array();
        self.status == status || parts.is_some_and(|parts| parts.iter().any(|part| part["status"] == status))
    }
}

/// A connection, made when it is first needed.
pub struct Wire {
    address: SocketAddr,
    stream: Option<TcpStream>,
    read: Vec<u8>,
}

impl Wire {
    pub fn to(address: SocketAddr) -> Self {
        Self { address, stream: None, read: Vec::new() }
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Sends and waits for the answer.
    pub fn ask(&mut self, request: &Request) -> io::Result<Answer> {
        self.send(request)?;
        self.receive()
    }

    /// Sends without waiting.
    pub fn send(&mut self, request: &Request) -> io::Result<()> {
        let body = if request.body.is_null() { String::new() } else { request.body.to_string() };
        let mut text = format!("{} {} HTTP/1.1\r\nhost: ordain\r\n", request.method, request.path);
        if !request.body.is_null() {
            text += "content-type: application/json\r\n";
        }
        if let Some(key) = &request.key {
            text += &format!("idempotency-key: {key}\r\n");
        }
        text += &format!("content-length: {}\r\n\r\n{body}", body.len());
        self.stream()?.write_all(text.as_bytes())
    }

    /// Waits for the answer to what was sent.
    pub fn receive(&mut self) -> io::Result<Answer> {
        let head_bytes = loop {
            match self.read.windows(4).position(|four| four == b"\r\n\r\n") {
                Some(at) => break at + 4,
                None => self.read_more()?,
            }
        };
        let head = String::from_utf8_lossy(&self.read[..head_bytes]).to_ascii_lowercase();
        let broken = || io::Error::new(io::ErrorKind::InvalidData, format!("not an answer: {head}"));
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).ok_or_else(broken)?;
        let header = |name: &str| head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
        let body_bytes: usize = header("content-length").and_then(|length| length.parse().ok()).ok_or_else(broken)?;
        while self.read.len() < head_bytes + body_bytes {
            self.read_more()?;
        }
        let body = &self.read[head_bytes..head_bytes + body_bytes];
        let is_text = header("content-type").is_some_and(|kind| kind.starts_with("text/plain"));
        let body = match body_bytes {
            0 => Value::Null,
            _ if is_text => Value::String(String::from_utf8_lossy(body).into_owned()),
            _ => serde_json::from_slice(body).map_err(|_| broken())?,
        };
        let (replayed, closes) = (header("idempotent-replayed") == Some("true"), header("connection") == Some("close"));
        self.read.drain(..head_bytes + body_bytes);
        if closes {
            self.stream = None;
        }
        Ok(Answer { status, replayed, body })
    }

    fn read_more(&mut self) -> io::Result<()> {
        let mut some = [0; 16 * 1024];
        match self.stream()?.read(&mut some)? {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            n => {
                self.read.extend_from_slice(&some[..n]);
                Ok(())
            }
        }
    }

    fn stream(&mut self) -> io::Result<&mut TcpStream> {
        if self.stream.is_none() {
            let stream = TcpStream::connect(self.address)?;
            stream.set_nodelay(true)?;
            stream.set_read_timeout(Some(PATIENCE))?;
            self.stream = Some(stream);
        }
        self.stream.as_mut().ok_or_else(|| io::ErrorKind::NotConnected.into())
    }
}

/// A sku as a part of a path.
pub fn encoded(sku: &str) -> String {
    sku.replace(' ', "%20")
}
