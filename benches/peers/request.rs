//! Requests made in advance: bytes with a few places that change from one sending to the next.
//!
//! A place keeps its width, so lengths inside the bytes stay true. What is *not* here: the requests themselves, which
//! are part of the workloads.

/// Stands for the six digits of a sku; every sending draws another.
pub const SKU: &str = "%%sku%";
/// Stands for twelve digits that no other sending has.
pub const SERIAL: &str = "%%%serial%%%";

#[derive(Clone, Copy, Debug)]
enum Fill {
    Sku,
    Serial,
}

/// Bytes to send, again and again.
#[derive(Clone, Debug)]
pub struct Request {
    bytes: Vec<u8>,
    /// What is sent after each answer but the last, when one operation takes several.
    further: Vec<Vec<u8>>,
    places: Vec<(usize, Fill)>,
    skus: u64,
    drawn: u64,
    serial: u64,
}

impl Request {
    /// `bytes` with [`SKU`] and [`SERIAL`] in them, over that many skus. `lane` keeps serials of requests apart.
    pub fn new(bytes: Vec<u8>, skus: u64, lane: u64) -> Self {
        let mut places = Vec::new();
        for (mark, fill) in [(SKU, Fill::Sku), (SERIAL, Fill::Serial)] {
            let found = bytes.windows(mark.len()).enumerate().filter(|(_, window)| *window == mark.as_bytes());
            places.extend(found.map(|(at, _)| (at, fill)));
        }
        Self { bytes, further: Vec::new(), places, skus, drawn: lane, serial: lane * 10_000_000_000 }
    }

    /// An HTTP/1.1 request with a body of JSON, or none.
    pub fn http(method: &str, path: &str, body: &str) -> Vec<u8> {
        let content = match body.len() {
            0 => String::new(),
            length => format!("content-type: application/json\r\ncontent-length: {length}\r\n"),
        };
        format!("{method} {path} HTTP/1.1\r\nhost: 127.0.0.1\r\n{content}\r\n{body}").into_bytes()
    }

    /// A Redis command.
    pub fn redis(words: &[&str]) -> Vec<u8> {
        let words = words.iter().map(|word| format!("${}\r\n{word}\r\n", word.len()));
        format!("*{}\r\n{}", words.len(), words.collect::<String>()).into_bytes()
    }

    /// Followed by these, each sent when the one before is answered: one operation of several round trips.
    pub fn followed_by(self, further: Vec<Vec<u8>>) -> Self {
        Self { further, ..self }
    }

    /// What follows after that many answers of an operation.
    pub fn after(&self, answers: usize) -> Option<&[u8]> {
        self.further.get(answers - 1).map(Vec::as_slice)
    }

    /// Appends the next sending.
    pub fn write_next(&mut self, out: &mut Vec<u8>) {
        for &(at, fill) in &self.places {
            match fill {
                Fill::Sku => {
                    self.drawn = self.drawn.wrapping_add(1);
                    digits(&mut self.bytes[at..at + SKU.len()], mix(self.drawn) % self.skus);
                }
                Fill::Serial => {
                    self.serial += 1;
                    digits(&mut self.bytes[at..at + SERIAL.len()], self.serial);
                }
            }
        }
        out.extend_from_slice(&self.bytes);
    }
}

fn digits(place: &mut [u8], mut number: u64) {
    for digit in place.iter_mut().rev() {
        *digit = b'0' + (number % 10) as u8;
        number /= 10;
    }
}

/// SplitMix64, so that every run asks for the same.
fn mix(n: u64) -> u64 {
    let mut z = n.wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    z = (z ^ z >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ z >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ z >> 31
}
