//! The load generator: one thread, many sockets, requests made in advance.
//!
//! A closed loop: each connection has `depth` requests under way and sends the next when an answer is whole. A request
//! costs the generator one read and one write, plus its share of one wait; bytes are not interpreted beyond where an
//! answer ends and whether it is a yes. The same code drives every server.
//!
//! Readiness is edge triggered. A read that fills less than the buffer has drained the socket, so there is no second
//! read that only hears "nothing more".
//!
//! An operation may take several round trips on its connection (with a depth of one); it counts once, and its latency is
//! from the first byte of the first to the last answer.
//!
//! Promises: an answer that is not a yes, a connection that ends or a server that goes silent ends the run with an error.

use std::collections::VecDeque;
use std::io::{ErrorKind, Read, Write};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};

use super::request::Request;
use super::wire::Wire;

/// Longest time without any answer.
const SILENCE_MAX: Duration = Duration::from_secs(20);
const BUFFER: usize = 256 * 1024;
/// Latencies in nanoseconds: three digits, up to a minute.
const LATENCY_MAX_NS: u64 = 60_000_000_000;

/// What to send, and for how long.
#[derive(Clone, Copy, Debug)]
pub struct Load {
    /// Requests under way per connection.
    pub depth: usize,
    /// Not counted, at the start.
    pub warm_up: Duration,
    /// Counted.
    pub window: Duration,
}

/// What came of a load.
pub struct Answered {
    /// Answers within the window.
    pub counted: u64,
    /// Nanoseconds of each of them.
    pub latencies: Histogram<u64>,
    /// Answers of warm-up, window and what was still under way at its end.
    pub all: u64,
    /// How long all of that took.
    pub took: Duration,
}

/// Connections to one server.
pub struct Generator {
    wire: Wire,
    poll: Poll,
    events: Events,
    connections: Vec<Connection>,
    buffer: Vec<u8>,
}

struct Connection {
    stream: TcpStream,
    /// What did not fit into the socket.
    unsent: Vec<u8>,
    /// Beginning of an answer.
    part: Vec<u8>,
    sent_at: VecDeque<Instant>,
    /// Answers that the operation under way has had, where it takes several.
    trips: usize,
}

/// No latencies yet.
pub fn no_latencies() -> Result<Histogram<u64>, String> {
    Histogram::new_with_bounds(100, LATENCY_MAX_NS, 3).map_err(|fault| format!("a histogram: {fault}"))
}

impl Generator {
    /// Opens connections. `greet` is sent on each of them and answered before the next is opened; it may be empty.
    pub fn connect(wire: Wire, address: SocketAddr, connections: usize, greet: &[Vec<u8>]) -> Result<Self, String> {
        let fault = |fault: std::io::Error| format!("connecting to {address}: {fault}");
        let poll = Poll::new().map_err(fault)?;
        let mut open = Vec::with_capacity(connections);
        for token in 0..connections {
            let mut stream = std::net::TcpStream::connect(address).map_err(fault)?;
            stream.set_nodelay(true).map_err(fault)?;
            for bytes in greet {
                stream.write_all(bytes).map_err(fault)?;
                let mut answer = Vec::new();
                while wire.answer(&answer)?.is_none() {
                    let mut some = [0; 4096];
                    match stream.read(&mut some).map_err(fault)? {
                        0 => return Err(format!("{address} closes a connection that greets it")),
                        read => answer.extend_from_slice(&some[..read]),
                    }
                }
            }
            stream.set_nonblocking(true).map_err(fault)?;
            let mut stream = TcpStream::from_std(stream);
            let both = Interest::READABLE | Interest::WRITABLE;
            poll.registry().register(&mut stream, Token(token), both).map_err(fault)?;
            open.push(Connection { stream, unsent: Vec::new(), part: Vec::new(), sent_at: VecDeque::new(), trips: 0 });
        }
        Ok(Self {
            wire,
            poll,
            events: Events::with_capacity(connections.max(16)),
            connections: open,
            buffer: vec![0; BUFFER],
        })
    }

    /// Sends for the time of the load, then waits for what is under way.
    pub fn run(&mut self, request: &mut Request, load: Load) -> Result<Answered, String> {
        let Self { wire, poll, events, connections, buffer } = self;
        let began = Instant::now();
        let (from, until) = (began + load.warm_up, began + load.warm_up + load.window);
        let mut latencies = no_latencies()?;
        let (mut counted, mut all, mut under_way) = (0, 0, 0_usize);
        let mut bytes = Vec::new();
        for connection in &mut *connections {
            bytes.clear();
            (0..load.depth).for_each(|_| request.write_next(&mut bytes));
            connection.send(&bytes, load.depth, Instant::now())?;
            under_way += load.depth;
        }
        let mut now = Instant::now();
        while under_way > 0 {
            let heard = now;
            match poll.poll(events, Some(SILENCE_MAX)) {
                Err(fault) if fault.kind() == ErrorKind::Interrupted => continue,
                polled => polled.map_err(|fault| format!("waiting for answers: {fault}"))?,
            }
            for event in &*events {
                let connection = &mut connections[event.token().0];
                connection.send_rest()?;
                let answers = connection.receive(*wire, buffer)?;
                if answers == 0 {
                    continue;
                }
                if connection.continues(request)? {
                    continue;
                }
                now = Instant::now();
                all += answers as u64;
                under_way -= answers;
                let in_window = from <= now && now < until;
                for sent_at in connection.sent_at.drain(..answers) {
                    if in_window {
                        counted += 1;
                        latencies.saturating_record((now - sent_at).as_nanos() as u64);
                    }
                }
                if now < until {
                    bytes.clear();
                    (0..answers).for_each(|_| request.write_next(&mut bytes));
                    connection.send(&bytes, answers, now)?;
                    under_way += answers;
                }
            }
            if events.is_empty() && heard.elapsed() >= SILENCE_MAX {
                return Err(format!("{under_way} requests are not answered"));
            }
        }
        Ok(Answered { counted, latencies, all, took: began.elapsed() })
    }
}

impl Connection {
    /// After an answer: sends what belongs to the same operation, when there is more of it.
    fn continues(&mut self, request: &Request) -> Result<bool, String> {
        self.trips += 1;
        let Some(bytes) = request.after(self.trips) else {
            self.trips = 0;
            return Ok(false);
        };
        self.put(bytes)?;
        Ok(true)
    }

    fn send(&mut self, bytes: &[u8], requests: usize, now: Instant) -> Result<(), String> {
        self.sent_at.extend(std::iter::repeat_n(now, requests));
        self.put(bytes)
    }

    fn put(&mut self, bytes: &[u8]) -> Result<(), String> {
        if self.unsent.is_empty() {
            let sent = written(self.stream.write(bytes))?;
            self.unsent.extend_from_slice(&bytes[sent..]);
        } else {
            self.unsent.extend_from_slice(bytes);
        }
        Ok(())
    }

    fn send_rest(&mut self) -> Result<(), String> {
        while !self.unsent.is_empty() {
            match written(self.stream.write(&self.unsent))? {
                0 => break,
                sent => drop(self.unsent.drain(..sent)),
            }
        }
        Ok(())
    }

    /// Reads what is there; how many answers became whole.
    fn receive(&mut self, wire: Wire, buffer: &mut [u8]) -> Result<usize, String> {
        let mut answers = 0;
        loop {
            let read = match self.stream.read(buffer) {
                Ok(0) => return Err("the server closes a connection".into()),
                Ok(read) => read,
                Err(fault) if fault.kind() == ErrorKind::WouldBlock => return Ok(answers),
                Err(fault) => return Err(format!("receiving: {fault}")),
            };
            let fresh = &buffer[..read];
            if self.part.is_empty() {
                let (whole, used) = whole(wire, fresh)?;
                answers += whole;
                self.part.extend_from_slice(&fresh[used..]);
            } else {
                self.part.extend_from_slice(fresh);
                let (whole, used) = whole(wire, &self.part)?;
                answers += whole;
                self.part.drain(..used);
            }
            if read < buffer.len() {
                return Ok(answers);
            }
        }
    }
}

/// Whole answers at the front of `bytes`, and their length together.
fn whole(wire: Wire, bytes: &[u8]) -> Result<(usize, usize), String> {
    let (mut answers, mut used) = (0, 0);
    while used < bytes.len()
        && let Some(length) = wire.answer(&bytes[used..])?
    {
        answers += 1;
        used += length;
    }
    Ok((answers, used))
}

fn written(result: std::io::Result<usize>) -> Result<usize, String> {
    match result {
        Err(fault) if fault.kind() == ErrorKind::WouldBlock => Ok(0),
        other => other.map_err(|fault| format!("sending: {fault}")),
    }
}
