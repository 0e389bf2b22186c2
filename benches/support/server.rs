//! A bucket in memory behind a socket, as slow as asked: two calls of S3 in plain HTTP/1.1, written
//! by hand so that the server takes next to nothing of the processors that it shares with what is
//! measured.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::ops::Bound;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use cpu_time::ThreadTime;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;

pub const BUCKET: &str = "logs";

/// Keys in a page of a listing, as S3 has it.
const PAGE: usize = 1_000;

/// What the server saw.
#[derive(Debug, Default, Clone, Copy)]
pub struct Seen {
    pub gets: u64,
    pub lists: u64,
    /// GETs under way, the most at once.
    pub most: u64,
    /// The sum of the times that GETs were under way.
    pub busy: Duration,
    /// From the first GET to the end of the last.
    pub span: Duration,
    /// CPU time of the server.
    pub cpu: Duration,
    /// What it had taken before.
    cpu_before: Duration,
    now: u64,
    first: Option<Instant>,
}

struct Bucket {
    objects: BTreeMap<String, Vec<u8>>,
    delay: Duration,
    seen: Mutex<Seen>,
}

/// A running server; it ends when this is dropped.
pub struct Server {
    pub url: String,
    bucket: Arc<Bucket>,
    _stop: oneshot::Sender<()>,
}

impl Server {
    /// Serves the objects from a thread of its own, each GET so much later.
    pub fn start(objects: BTreeMap<String, Vec<u8>>, delay: Duration) -> Self {
        let bucket = Arc::new(Bucket {
            objects,
            delay,
            seen: Mutex::default(),
        });
        let (stop, stopped) = oneshot::channel();
        let (tell, receiver) = std::sync::mpsc::channel();
        let served = Arc::clone(&bucket);
        let thread = std::thread::Builder::new().name("server".to_owned());
        let serve = move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build();
            runtime.expect("a runtime").block_on(async move {
                let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a socket");
                let address = listener.local_addr().expect("an address");
                tell.send(format!("http://{address}"))
                    .expect("a waiting bench");
                tokio::select! {
                    () = accept(listener, served) => {}
                    _ = stopped => {}
                }
            });
        };
        thread.spawn(serve).expect("a thread");
        Self {
            url: receiver.recv().expect("a running server"),
            bucket,
            _stop: stop,
        }
    }

    /// What it saw since the last time it was asked.
    pub fn seen(&self) -> Seen {
        let mut now = self.bucket.lock();
        let cpu_before = now.cpu_before + now.cpu;
        std::mem::replace(
            &mut *now,
            Seen {
                cpu_before,
                ..Seen::default()
            },
        )
    }
}

async fn accept(listener: TcpListener, bucket: Arc<Bucket>) {
    while let Ok((socket, _)) = listener.accept().await {
        let bucket = Arc::clone(&bucket);
        // a client that hangs up is no error of the server
        tokio::spawn(async move { drop(bucket.connection(socket).await) });
    }
}

impl Bucket {
    fn lock(&self) -> std::sync::MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn connection(&self, mut socket: TcpStream) -> std::io::Result<()> {
        socket.set_nodelay(true)?;
        let mut request = Vec::with_capacity(4_096);
        loop {
            request.clear();
            while !request.ends_with(b"\r\n\r\n") {
                if socket.read_buf(&mut request).await? == 0 {
                    return Ok(());
                }
            }
            let text = String::from_utf8_lossy(&request);
            let path = text.split(' ').nth(1).unwrap_or_default();
            let (path, query) = path.split_once('?').unwrap_or((path, ""));
            let path = decoded(path.trim_start_matches('/'));
            let key = path.strip_prefix(BUCKET).unwrap_or(&path);
            match key.trim_start_matches('/') {
                "" => {
                    answer(
                        &mut socket,
                        "200 OK",
                        "application/xml",
                        self.list(query).as_bytes(),
                    )
                    .await?
                }
                key => self.get(key, &mut socket).await?,
            }
        }
    }

    async fn get(&self, key: &str, socket: &mut TcpStream) -> std::io::Result<()> {
        let began = Instant::now();
        {
            let mut seen = self.lock();
            seen.first.get_or_insert(began);
            seen.gets += 1;
            seen.now += 1;
            seen.most = seen.most.max(seen.now);
        }
        tokio::time::sleep(self.delay).await;
        let sent = match self.objects.get(key) {
            Some(body) => answer(socket, "200 OK", "application/json", body).await,
            None => {
                answer(
                    socket,
                    "404 Not Found",
                    "application/xml",
                    b"<Error><Code>NoSuchKey</Code></Error>",
                )
                .await
            }
        };
        let mut seen = self.lock();
        seen.now = seen.now.saturating_sub(1);
        seen.busy += began.elapsed();
        seen.span = seen.first.map_or(Duration::ZERO, |first| first.elapsed());
        seen.cpu = ThreadTime::now().as_duration() - seen.cpu_before;
        sent
    }

    /// ListObjectsV2: `prefix`, `delimiter`, `start-after` and `continuation-token`.
    fn list(&self, query: &str) -> String {
        self.lock().lists += 1;
        let asked: BTreeMap<&str, String> = query
            .split('&')
            .filter_map(|pair| pair.split_once('='))
            .map(|(name, value)| (name, decoded(value)))
            .collect();
        let of = |name: &str| asked.get(name).cloned().unwrap_or_default();
        let (prefix, delimiter) = (of("prefix"), of("delimiter"));
        let after = of("continuation-token").max(of("start-after"));
        let size = asked
            .get("max-keys")
            .and_then(|size| size.parse().ok())
            .unwrap_or(PAGE);
        // what a page may hold: keys, and in place of those below a folder the folder
        let mut page: Vec<(String, bool)> = Vec::new();
        let mut from = Bound::Included(prefix.clone());
        let more = loop {
            let next = self.objects.range((from, Bound::Unbounded)).next();
            let next = next.and_then(|(key, _)| Some((key, key.strip_prefix(&prefix)?)));
            let Some((key, below)) = next else {
                break false;
            };
            let folder = below
                .split_once(&delimiter)
                .filter(|_| !delimiter.is_empty());
            let name = match folder {
                Some((folder, _)) => format!("{prefix}{folder}{delimiter}"),
                None => key.clone(),
            };
            // no key below a folder is behind the last name that may begin as the folder does
            let last = folder.map_or(String::new(), |_| char::MAX.to_string());
            from = Bound::Excluded(name.clone() + &last);
            if name <= after {
                continue;
            }
            if page.len() >= size.min(PAGE) {
                break true;
            }
            page.push((name, folder.is_some()));
        };
        let mut xml = String::from("<ListBucketResult>");
        if let (Some((last, _)), true) = (page.last(), more) {
            let _ = write!(
                xml,
                "<IsTruncated>true</IsTruncated><NextContinuationToken>{last}</NextContinuationToken>"
            );
        } else {
            xml.push_str("<IsTruncated>false</IsTruncated>");
        }
        for (name, folder) in page {
            let size = self.objects.get(&name).map_or(0, Vec::len);
            let _ = match folder {
                true => write!(
                    xml,
                    "<CommonPrefixes><Prefix>{name}</Prefix></CommonPrefixes>"
                ),
                false => write!(
                    xml,
                    "<Contents><Key>{name}</Key><Size>{size}</Size><LastModified>2026-11-20T00:00:00.000Z</LastModified><StorageClass>STANDARD</StorageClass></Contents>"
                ),
            };
        }
        xml.push_str("</ListBucketResult>");
        xml
    }
}

async fn answer(
    socket: &mut TcpStream,
    status: &str,
    kind: &str,
    body: &[u8],
) -> std::io::Result<()> {
    let length = body.len();
    let head =
        format!("HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\n\r\n");
    // one write: a second small packet would wait for the first to be acknowledged
    socket.write_all(&[head.as_bytes(), body].concat()).await
}

/// Without percent signs.
fn decoded(text: &str) -> String {
    let mut parts = text.split('%');
    let mut bytes = parts.next().unwrap_or_default().as_bytes().to_vec();
    for part in parts {
        let (code, rest) = part.split_at_checked(2).unwrap_or((part, ""));
        bytes.push(u8::from_str_radix(code, 16).unwrap_or(b'%'));
        bytes.extend(rest.as_bytes());
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
