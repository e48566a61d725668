//! The door: how many connections are let in, and how long one may be silent. Without it a few hundred clients that begin a
//! request and never finish it would take every file descriptor, and nobody else could come in, nor the server open a file.
//! What a request may cost once it is read is `limits`.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use poem::http::uri::Scheme;
use poem::listener::{Acceptor, TcpAcceptor};
use poem::web::{LocalAddr, RemoteAddr};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, Sleep, sleep_until};

/// From the connection to the end of the first request's head, however slowly it comes.
const HEAD: Duration = Duration::from_secs(30);

/// Without a byte in either direction after that. Longer than proxies keep a connection that they mean to use again, and
/// than any answer takes to begin; events have a sign of life every 20 s.
const SILENCE: Duration = Duration::from_secs(5 * 60);

/// Descriptors kept for what is no connection of a client: the database's, files, mail, webhooks.
const KEPT: u64 = 128;

/// After a connection could not be taken, which does not get better by asking at once.
const PAUSE: Duration = Duration::from_millis(100);

const END_OF_HEAD: &[u8] = b"\r\n\r\n";

/// Takes connections as long as there is room for them; the others wait where the system keeps them.
pub struct Door {
    inner: TcpAcceptor,
    places: Arc<Semaphore>,
}

impl Door {
    /// `connections`: what the database may take of the descriptors.
    pub fn new(inner: TcpAcceptor, connections: u32) -> Door {
        let descriptors = raise_limit();
        let others = KEPT + u64::from(connections);
        // Where there are few, half of them.
        let places = descriptors.saturating_sub(others).max(descriptors / 2);
        let places = usize::try_from(places).unwrap_or(usize::MAX).min(Semaphore::MAX_PERMITS);
        Door { inner, places: Arc::new(Semaphore::new(places)) }
    }
}

/// Asks for as many descriptors as the system grants; how many there are.
fn raise_limit() -> u64 {
    let limit = getrlimit(Resource::Nofile);
    if limit.current != limit.maximum {
        // Some systems grant less than they name; then it stays as it was.
        let _ = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum });
    }
    getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX)
}

impl Acceptor for Door {
    type Io = Visitor<TcpStream>;

    fn local_addr(&self) -> Vec<LocalAddr> {
        self.inner.local_addr()
    }

    async fn accept(&mut self) -> io::Result<(Self::Io, LocalAddr, RemoteAddr, Scheme)> {
        let place = self.places.clone().acquire_owned().await.map_err(io::Error::other)?;
        match self.inner.accept().await {
            Ok((stream, local, remote, scheme)) => Ok((Visitor::new(stream, Some(place)), local, remote, scheme)),
            Err(cause) => {
                tracing::warn!(%cause, "a connection could not be taken");
                tokio::time::sleep(PAUSE).await;
                Err(cause)
            }
        }
    }
}

/// A connection that ends when it is silent for too long.
pub struct Visitor<T> {
    inner: T,
    /// How much of `END_OF_HEAD` was seen last; all of it: the first request's head is here.
    matched: usize,
    /// When it will have been silent for too long.
    until: Instant,
    alarm: Pin<Box<Sleep>>,
    _place: Option<OwnedSemaphorePermit>,
}

impl<T> Visitor<T> {
    fn new(inner: T, place: Option<OwnedSemaphorePermit>) -> Self {
        let until = Instant::now() + HEAD;
        Visitor { inner, matched: 0, until, alarm: Box::pin(sleep_until(until)), _place: place }
    }

    fn came(&mut self, bytes: &[u8]) {
        for byte in bytes {
            if self.matched == END_OF_HEAD.len() {
                break;
            }
            self.matched =
                if *byte == END_OF_HEAD[self.matched] { self.matched + 1 } else { usize::from(*byte == b'\r') };
        }
        if self.matched == END_OF_HEAD.len() && !bytes.is_empty() {
            self.until = Instant::now() + SILENCE;
        }
    }

    fn went(&mut self, bytes: usize) {
        if bytes > 0 {
            self.until = self.until.max(Instant::now() + SILENCE);
        }
    }

    /// While nothing can be read or written: the error once that has lasted too long.
    fn waits<R>(&mut self, context: &mut Context<'_>) -> Poll<io::Result<R>> {
        while self.alarm.as_mut().poll(context).is_ready() {
            if Instant::now() >= self.until {
                return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
            }
            let until = self.until;
            self.alarm.as_mut().reset(until);
        }
        Poll::Pending
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for Visitor<T> {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let visitor = self.get_mut();
        let before = buffer.filled().len();
        match Pin::new(&mut visitor.inner).poll_read(context, buffer) {
            Poll::Ready(Ok(())) => {
                visitor.came(&buffer.filled()[before..]);
                Poll::Ready(Ok(()))
            }
            Poll::Ready(Err(cause)) => Poll::Ready(Err(cause)),
            Poll::Pending => visitor.waits(context),
        }
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for Visitor<T> {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let visitor = self.get_mut();
        match Pin::new(&mut visitor.inner).poll_write(context, bytes) {
            Poll::Ready(written) => {
                visitor.went(*written.as_ref().unwrap_or(&0));
                Poll::Ready(written)
            }
            Poll::Pending => visitor.waits(context),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let visitor = self.get_mut();
        match Pin::new(&mut visitor.inner).poll_write_vectored(context, bytes) {
            Poll::Ready(written) => {
                visitor.went(*written.as_ref().unwrap_or(&0));
                Poll::Ready(written)
            }
            Poll::Pending => visitor.waits(context),
        }
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().inner).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().inner).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

    use super::*;

    #[tokio::test]
    async fn a_heads_end_is_found_however_it_is_cut() {
        for (pieces, is_whole) in [
            (&["GET / HTTP/1.1\r\nHost: a\r\n\r\n"][..], true),
            (&["GET / HTTP/1.1\r\n", "\r", "\n"], true),
            (&["GET / HTTP/1.1\r\r\n\r\n"], true),
            (&["GET / HTTP/1.1\r\nX: ", "a", "\r\n"], false),
            (&["\n\r\n", "\r"], false),
        ] {
            let (mut there, here) = duplex(64);
            let mut visitor = Visitor::new(here, None);
            let first = visitor.until;
            for piece in pieces {
                there.write_all(piece.as_bytes()).await.unwrap();
                visitor.read_exact(&mut vec![0; piece.len()]).await.unwrap();
            }
            assert_eq!(visitor.until > first, is_whole, "{pieces:?}");
        }
    }

    #[tokio::test]
    async fn silence_ends_a_connection_and_whatever_is_sent_prolongs_it() {
        let (_there, here) = duplex(64);
        let mut visitor = Visitor::new(here, None);
        visitor.until = Instant::now() - Duration::from_secs(1);
        visitor.alarm.as_mut().reset(visitor.until);
        assert_eq!(visitor.read(&mut [0]).await.unwrap_err().kind(), io::ErrorKind::TimedOut);
        visitor.write_all(b"x").await.unwrap();
        let silent = tokio::time::timeout(Duration::from_millis(50), visitor.read(&mut [0])).await;
        assert!(silent.is_err(), "it waits again");
    }
}
