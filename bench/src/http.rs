//! The smallest HTTP/1.1 client that will do: one connection, one request at a time. Load generators must not weigh more
//! than what they measure; `pgbench`, on the other side, is written in C.

use std::io;
use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

pub struct Connection {
    stream: TcpStream,
    token: String,
    buffer: Vec<u8>,
}

impl Connection {
    pub async fn open(address: SocketAddr, token: &str) -> io::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Connection { stream, token: token.to_owned(), buffer: Vec::with_capacity(1 << 16) })
    }

    pub async fn get(&mut self, path: &str) -> io::Result<&[u8]> {
        let head = format!("GET {path} HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {}\r\n\r\n", self.token);
        self.call(head.as_bytes(), &[]).await
    }

    pub async fn post(&mut self, path: &str, body: &[u8]) -> io::Result<&[u8]> {
        let head = format!(
            "POST {path} HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
            self.token,
            body.len()
        );
        self.call(head.as_bytes(), body).await
    }

    /// Sends a request and reads the whole answer; anything but 2xx is an error that shows it.
    async fn call(&mut self, head: &[u8], body: &[u8]) -> io::Result<&[u8]> {
        let mut request = head.to_vec();
        request.extend_from_slice(body);
        self.stream.write_all(&request).await?;
        self.buffer.clear();
        let end = loop {
            if let Some(at) = self.buffer.windows(4).position(|bytes| bytes == b"\r\n\r\n") {
                break at + 4;
            }
            self.fill().await?;
        };
        let head = String::from_utf8_lossy(&self.buffer[..end]).to_ascii_lowercase();
        let length: usize = head
            .lines()
            .find_map(|line| line.strip_prefix("content-length:"))
            .and_then(|length| length.trim().parse().ok())
            .ok_or_else(|| io::Error::other(format!("an answer without length: {head}")))?;
        while self.buffer.len() < end + length {
            self.fill().await?;
        }
        let answer = &self.buffer[end..end + length];
        if head.starts_with("http/1.1 2") {
            Ok(answer)
        } else {
            Err(io::Error::other(format!("{head}{}", String::from_utf8_lossy(answer))))
        }
    }

    async fn fill(&mut self) -> io::Result<()> {
        match self.stream.read_buf(&mut self.buffer).await? {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            _ => Ok(()),
        }
    }
}
