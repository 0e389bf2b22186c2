//! A wire that spoils what a sound server sends: responses for chosen keys are cut, reset, delayed
//! for ever, or announce another length. A sound HTTP server cannot be made to do any of it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// What happens to a response, the first so many times.
#[derive(Debug, Clone, Copy)]
pub enum Fault {
    /// Half of the body, then an orderly end of the connection.
    Cut(u32),
    /// Half of the body, then a reset.
    Reset(u32),
    /// Half of the body, announced as if it were the whole.
    Short(u32),
    /// The whole body and more, announced with the length of the whole.
    Long(u32),
    /// Nothing, for longer than anybody waits.
    Silent(u32),
    /// Half of the body, then nothing.
    Stalled(u32),
}

impl Fault {
    const fn times(self) -> u32 {
        match self {
            Self::Cut(n)
            | Self::Reset(n)
            | Self::Short(n)
            | Self::Long(n)
            | Self::Silent(n)
            | Self::Stalled(n) => n,
        }
    }
}

/// Requests by key, counted.
pub type Requests = Arc<Mutex<BTreeMap<String, u32>>>;

/// Stands before the server at that URL; keys without a fault pass unspoilt.
pub async fn spoil(url: &str, faults: &[(String, Fault)]) -> (String, Requests) {
    let upstream = url.strip_prefix("http://").unwrap().to_owned();
    let faults: Arc<BTreeMap<_, _>> = Arc::new(faults.iter().cloned().collect());
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let requests = Requests::default();
    let counts = Arc::clone(&requests);
    tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            let (upstream, faults, counts) =
                (upstream.clone(), Arc::clone(&faults), Arc::clone(&counts));
            // a client that hangs up is no error of the test
            tokio::spawn(async move {
                let _: std::io::Result<()> = pass(socket, &upstream, &faults, &counts).await;
            });
        }
    });
    (url, requests)
}

/// One request and its response; the connection ends with it.
async fn pass(
    mut socket: TcpStream,
    upstream: &str,
    faults: &BTreeMap<String, Fault>,
    counts: &Requests,
) -> std::io::Result<()> {
    let mut request = Vec::new();
    while !request.ends_with(b"\r\n\r\n") {
        request.push(socket.read_u8().await?);
    }
    let text = String::from_utf8_lossy(&request).into_owned();
    let path = text.split(' ').nth(1).unwrap_or_default();
    let path = path.split('?').next().unwrap_or_default();
    let key = path.splitn(3, '/').nth(2).unwrap_or_default().to_owned();
    let before = {
        let mut counts = counts.lock().unwrap();
        let count = counts.entry(key.clone()).or_default();
        *count += 1;
        *count - 1
    };
    // without keep-alive the whole response is what comes until the end
    let asked = text.replacen("\r\n\r\n", "\r\nconnection: close\r\n\r\n", 1);
    let mut server = TcpStream::connect(upstream).await?;
    server.write_all(asked.as_bytes()).await?;
    let mut response = Vec::new();
    server.read_to_end(&mut response).await?;
    let at = response.windows(4).position(|four| four == b"\r\n\r\n");
    let (head, body) = response.split_at(at.map_or(response.len(), |at| at + 4));
    let half = body.split_at(body.len() / 2).0;
    let fault = faults.get(&key).filter(|fault| before < fault.times());
    match fault {
        None => socket.write_all(&response).await?,
        Some(Fault::Cut(_) | Fault::Reset(_) | Fault::Stalled(_)) => {
            socket.write_all(head).await?;
            socket.write_all(half).await?;
        }
        Some(Fault::Short(_)) => {
            socket.write_all(&announcing(head, half.len())).await?;
            socket.write_all(half).await?;
        }
        Some(Fault::Long(_)) => {
            socket.write_all(head).await?;
            socket.write_all(body).await?;
            socket.write_all(b"and more").await?;
        }
        Some(Fault::Silent(_)) => {}
    }
    match fault {
        Some(Fault::Silent(_) | Fault::Stalled(_)) => {
            tokio::time::sleep(Duration::from_secs(600)).await;
        }
        Some(Fault::Reset(_)) => {
            // the half must be on its way before the reset overtakes it
            tokio::time::sleep(Duration::from_millis(20)).await;
            socket.set_zero_linger()?;
        }
        _ => socket.shutdown().await?,
    }
    Ok(())
}

/// The head of a response with another length.
fn announcing(head: &[u8], length: usize) -> Vec<u8> {
    let text = String::from_utf8_lossy(head);
    let lines = text.trim_end().split("\r\n");
    let lines = lines.filter(|line| !line.to_ascii_lowercase().starts_with("content-length:"));
    let kept: Vec<_> = lines.collect();
    format!("{}\r\ncontent-length: {length}\r\n\r\n", kept.join("\r\n")).into_bytes()
}
