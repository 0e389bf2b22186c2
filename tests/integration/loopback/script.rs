//! A server that answers as a script says: any bytes, any length, for ever. No sound S3 server can be
//! made to lie like that.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// A request for a listing or an object.
#[derive(Debug, Clone)]
pub struct Asked {
    /// `/logs/KEY`, or `/logs/` for a listing.
    pub path: String,
    /// Decoded.
    pub query: BTreeMap<String, String>,
    /// How many requests came before it.
    pub before: u32,
}

impl Asked {
    pub fn is_listing(&self) -> bool {
        self.query.contains_key("list-type")
    }

    pub fn get(&self, name: &str) -> &str {
        self.query.get(name).map_or("", String::as_str)
    }
}

/// What the server sends.
#[derive(Debug, Clone)]
pub enum Sent {
    /// That status and body.
    Status(u16, String),
    /// HTTP 200 and that body, with its length.
    Whole(Vec<u8>),
    /// HTTP 200 and that body again and again, without a length, until the client hangs up.
    Endless(Vec<u8>),
    /// HTTP 200 and that body, so many bytes at a time with that pause between.
    Drip(Vec<u8>, usize, Duration),
}

/// Serves until the runtime ends; gives the URL and counts requests.
pub async fn serve(
    answer: impl Fn(&Asked) -> Sent + Send + Sync + 'static,
) -> (String, Arc<AtomicU32>) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let requests = Arc::new(AtomicU32::new(0));
    let (count, answer) = (Arc::clone(&requests), Arc::new(answer));
    tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            let (count, answer) = (Arc::clone(&count), Arc::clone(&answer));
            // a client that hangs up is no error of the test
            tokio::spawn(async move {
                let _: std::io::Result<()> = one(socket, &count, &*answer).await;
            });
        }
    });
    (url, requests)
}

/// One request and its answer; the connection ends with it.
async fn one(
    mut socket: TcpStream,
    count: &AtomicU32,
    answer: &(impl Fn(&Asked) -> Sent + Sync),
) -> std::io::Result<()> {
    let mut request = Vec::new();
    while !request.ends_with(b"\r\n\r\n") {
        request.push(socket.read_u8().await?);
    }
    let text = String::from_utf8_lossy(&request).into_owned();
    let target = text.split(' ').nth(1).unwrap_or_default();
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let pairs = query.split('&').map(|pair| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        (name.to_owned(), decoded(value))
    });
    let asked = Asked {
        path: decoded(path),
        query: pairs.collect(),
        before: count.fetch_add(1, Ordering::SeqCst),
    };
    let head = |status: u16, length: Option<usize>| {
        let length = length.map(|length| format!("content-length: {length}\r\n"));
        format!(
            "HTTP/1.1 {status} Said\r\nconnection: close\r\n{}\r\n",
            length.unwrap_or_default()
        )
    };
    match answer(&asked) {
        Sent::Status(status, body) => {
            socket
                .write_all(head(status, Some(body.len())).as_bytes())
                .await?;
            socket.write_all(body.as_bytes()).await?;
        }
        Sent::Whole(body) => {
            socket
                .write_all(head(200, Some(body.len())).as_bytes())
                .await?;
            socket.write_all(&body).await?;
        }
        Sent::Endless(body) => {
            socket.write_all(head(200, None).as_bytes()).await?;
            loop {
                socket.write_all(&body).await?;
            }
        }
        Sent::Drip(body, step, pause) => {
            socket
                .write_all(head(200, Some(body.len())).as_bytes())
                .await?;
            for part in body.chunks(step) {
                socket.write_all(part).await?;
                tokio::time::sleep(pause).await;
            }
        }
    }
    socket.shutdown().await
}

fn decoded(text: &str) -> String {
    percent_encoding::percent_decode_str(&text.replace('+', " "))
        .decode_utf8_lossy()
        .into_owned()
}

/// A page of a listing.
#[derive(Debug, Clone, Default)]
pub struct Page {
    pub folders: Vec<String>,
    /// Key and size.
    pub keys: Vec<(String, usize)>,
    pub next: Option<String>,
    /// What it says it holds, if that is not the truth.
    pub count: Option<usize>,
}

impl Page {
    pub fn keys(keys: impl IntoIterator<Item = impl Into<String>>) -> Self {
        let keys = keys.into_iter().map(|key| (key.into(), 100));
        Self {
            keys: keys.collect(),
            ..Self::default()
        }
    }

    pub fn next(mut self, token: &str) -> Self {
        self.next = Some(token.to_owned());
        self
    }

    pub fn xml(&self) -> String {
        let count = self.count.unwrap_or(self.keys.len() + self.folders.len());
        let next = self.next.as_ref();
        let next =
            next.map(|token| format!("<NextContinuationToken>{token}</NextContinuationToken>"));
        let mut xml = format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<ListBucketResult \
             xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Name>logs</Name><KeyCount>{count}\
             </KeyCount><IsTruncated>{}</IsTruncated>{}",
            next.is_some(),
            next.unwrap_or_default(),
        );
        for (key, size) in &self.keys {
            xml += &format!(
                "<Contents><Key>{key}</Key><LastModified>2026-11-20T12:00:00.000Z</LastModified>\
                 <Size>{size}</Size><StorageClass>STANDARD</StorageClass></Contents>"
            );
        }
        for folder in &self.folders {
            xml += &format!("<CommonPrefixes><Prefix>{folder}</Prefix></CommonPrefixes>");
        }
        xml + "</ListBucketResult>"
    }

    pub fn sent(&self) -> Sent {
        Sent::Whole(self.xml().into_bytes())
    }
}

/// Answers a listing as a sound server does that has those keys, in one page.
pub fn listed(asked: &Asked, keys: &[String]) -> Page {
    let prefix = asked.get("prefix");
    let mut page = Page::default();
    for key in keys {
        let Some(below) = key.strip_prefix(prefix) else {
            continue;
        };
        match below
            .split_once('/')
            .filter(|_| asked.query.contains_key("delimiter"))
        {
            Some((folder, _)) => page.folders.push(format!("{prefix}{folder}/")),
            None => page.keys.push((key.clone(), 100)),
        }
    }
    page.folders.sort();
    page.folders.dedup();
    page.keys.sort();
    if asked.get("max-keys") == "1" {
        page.keys.truncate(1);
    }
    page
}
