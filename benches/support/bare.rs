//! The least that a client can do: requests written beforehand on sockets that stay open, answers read
//! to their end and thrown away. Nothing is signed, encrypted, parsed, kept or handed on.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use memchr::memmem;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

/// What all clients share: the requests, and which is the next.
struct Requests {
    address: String,
    texts: Vec<String>,
    next: AtomicUsize,
}

/// Gets the objects at these paths from one thread, so many at once.
pub fn get_all(address: &str, paths: &[String], at_once: usize) {
    let text = |path: &String| format!("GET /{path} HTTP/1.1\r\nHost: {address}\r\n\r\n");
    let requests = Arc::new(Requests {
        address: address.to_owned(),
        texts: paths.iter().map(text).collect(),
        next: AtomicUsize::new(0),
    });
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    runtime.expect("a runtime").block_on(async {
        let mut clients = JoinSet::new();
        for _ in 0..at_once {
            let requests = Arc::clone(&requests);
            clients.spawn(async move { client(&requests).await.expect("an answer") });
        }
        clients.join_all().await;
    });
}

async fn client(requests: &Requests) -> std::io::Result<()> {
    let mut socket = TcpStream::connect(&requests.address).await?;
    socket.set_nodelay(true)?;
    let mut answer = vec![0; 1 << 16];
    while let Some(text) = requests
        .texts
        .get(requests.next.fetch_add(1, Ordering::Relaxed))
    {
        socket.write_all(text.as_bytes()).await?;
        let (mut read, mut end) = (0, usize::MAX);
        while read < end {
            let room = answer.get_mut(read..).unwrap_or_default();
            let more = socket.read(room).await?;
            assert!(more > 0, "the server hung up, or an answer was too large");
            read += more;
            let came = answer.get(..read).unwrap_or_default();
            if let (usize::MAX, Some(head)) = (end, memmem::find(came, b"\r\n\r\n")) {
                end = head + 4 + length(came.get(..head).unwrap_or_default());
            }
        }
    }
    Ok(())
}

/// What the head of an answer says of its body.
fn length(head: &[u8]) -> usize {
    let head = String::from_utf8_lossy(head);
    let line = head
        .lines()
        .find_map(|line| line.strip_prefix("Content-Length: "));
    line.and_then(|length| length.parse().ok())
        .expect("a length")
}
