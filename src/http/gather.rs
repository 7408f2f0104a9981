//! Answers that are ready together leave together.
//!
//! hyper writes each answer by itself. A client that sends its requests without waiting would pay a system call for every
//! answer, the dearest part of a small one. So what is written is held until the connection has nothing more to do just
//! now ([`Wire::send`]), which is before anybody waits: nothing is delayed for the sake of more.
//!
//! Bounds: [`HELD_MAX`] bytes of a connection are held; with more, a write waits for the socket. What is *not* here: HTTP.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use parking_lot::Mutex;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Most bytes of a connection that are held.
const HELD_MAX: usize = 64 * 1024;
/// Memory for them that a connection keeps when it has nothing to send.
const KEPT_MAX: usize = 4 * 1024;

/// A connection whose writes are held. Clones are the same connection: one is hyper's, one sends. Both are used by the
/// task of the connection alone, so the lock is never waited for.
pub struct Wire<S>(Arc<Mutex<Ends<S>>>);

struct Ends<S> {
    stream: S,
    held: Vec<u8>,
    /// Bytes of `held` that are sent.
    sent: usize,
}

impl<S> Clone for Wire<S> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Wire<S> {
    /// Holds what is written to `stream`.
    pub fn new(stream: S) -> Self {
        Self(Arc::new(Mutex::new(Ends { stream, held: Vec::new(), sent: 0 })))
    }

    /// Sends what is held, as far as the socket takes it now; the rest when it wakes the task.
    pub fn send(&self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.0.lock().send(context)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Ends<S> {
    fn send(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        while self.sent < self.held.len() {
            let written = ready!(Pin::new(&mut self.stream).poll_write(context, &self.held[self.sent..]))?;
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.sent += written;
        }
        self.sent = 0;
        self.held.clear();
        self.held.shrink_to(KEPT_MAX);
        Poll::Ready(Ok(()))
    }

    /// Makes room for some more bytes; how many of `wanted` there is room for, at least one.
    fn room(&mut self, context: &mut Context<'_>, wanted: usize) -> Poll<io::Result<usize>> {
        if self.held.len() + wanted > HELD_MAX && !self.held.is_empty() {
            ready!(self.send(context))?;
        }
        Poll::Ready(Ok(wanted.min(HELD_MAX)))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for Wire<S> {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0.lock().stream).poll_read(context, into)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Wire<S> {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let mut ends = self.0.lock();
        let room = ready!(ends.room(context, bytes.len()))?;
        ends.held.extend_from_slice(&bytes[..room]);
        Poll::Ready(Ok(room))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let mut ends = self.0.lock();
        let room = ready!(ends.room(context, parts.iter().map(|part| part.len()).sum()))?;
        let mut left = room;
        for part in parts {
            let taken = part.len().min(left);
            ends.held.extend_from_slice(&part[..taken]);
            left -= taken;
        }
        Poll::Ready(Ok(room))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    /// Nothing yet: what is held is sent when the task has nothing more to do.
    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut ends = self.0.lock();
        ready!(ends.send(context))?;
        Pin::new(&mut ends.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

    use super::*;

    fn now_or_pending<T>(poll: impl FnOnce(&mut Context<'_>) -> Poll<T>) -> Poll<T> {
        poll(&mut Context::from_waker(futures_util::task::noop_waker_ref()))
    }

    #[tokio::test]
    async fn what_is_written_leaves_in_one_piece_when_it_is_sent() {
        let (near, mut far) = duplex(1024);
        let mut wire = Wire::new(near);
        for answer in ["one ", "two ", "three"] {
            wire.write_all(answer.as_bytes()).await.unwrap();
            wire.flush().await.unwrap();
        }
        let mut got = [0; 64];
        let mut reading = ReadBuf::new(&mut got);
        assert!(now_or_pending(|context| Pin::new(&mut far).poll_read(context, &mut reading)).is_pending());
        poll_fn(|context| wire.send(context)).await.unwrap();
        let read = far.read(&mut got).await.unwrap();
        assert_eq!(&got[..read], b"one two three");
    }

    #[tokio::test]
    async fn what_is_too_much_waits_for_the_socket_and_arrives_whole() {
        let (near, mut far) = duplex(10_000);
        let mut wire = Wire::new(near);
        let answer: Vec<u8> = (0..3 * HELD_MAX + 17).map(|at| at as u8).collect();
        let reading = tokio::spawn(async move {
            let mut got = Vec::new();
            far.read_to_end(&mut got).await.unwrap();
            got
        });
        wire.write_all(&answer).await.unwrap();
        assert!(wire.0.lock().held.len() <= HELD_MAX);
        wire.shutdown().await.unwrap();
        drop(wire);
        assert_eq!(reading.await.unwrap(), answer);
    }

    #[tokio::test]
    async fn a_socket_that_takes_nothing_holds_the_writer_back() {
        let (near, _far) = duplex(1);
        let mut wire = Wire::new(near);
        let answer = vec![7; HELD_MAX];
        wire.write_all(&answer).await.unwrap();
        assert!(now_or_pending(|context| wire.send(context)).is_pending());
        assert!(now_or_pending(|context| Pin::new(&mut wire).poll_write(context, b"more")).is_pending());
    }

    #[tokio::test]
    async fn memory_of_a_large_answer_is_given_back() {
        let (near, _far) = duplex(HELD_MAX);
        let mut wire = Wire::new(near);
        wire.write_all(&vec![7; HELD_MAX]).await.unwrap();
        poll_fn(|context| wire.send(context)).await.unwrap();
        assert!(wire.0.lock().held.capacity() <= KEPT_MAX);
    }
}
