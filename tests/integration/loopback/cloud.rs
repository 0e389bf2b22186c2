//! AWS on one loopback address, as `--endpoint-url` sees it: S3 in memory, CloudTrail's directory of
//! trails, and roles that can be assumed.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::{Arc, Mutex};

use hyper::body::{Body as _, Incoming};
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use s3s::Body;
use s3s::auth::SimpleAuth;
use s3s::service::{S3Service, S3ServiceBuilder};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::{LOGIN, Memory};

/// A trail as CloudTrail describes it.
#[derive(Debug, Clone)]
pub struct Trail {
    pub name: &'static str,
    pub account: &'static str,
    pub home: &'static str,
    pub bucket: &'static str,
    pub prefix: Option<&'static str>,
    pub organization: bool,
    /// Described in the caller's Region: its home, or the copy of a trail of many Regions.
    pub here: bool,
    /// Listed among the caller's own.
    pub listed: bool,
}

impl Trail {
    /// A trail of that name that the caller sees everywhere.
    pub const fn named(name: &'static str) -> Self {
        Self {
            name,
            account: "111122223333",
            home: "us-east-1",
            bucket: super::BUCKET,
            prefix: None,
            organization: false,
            here: true,
            listed: true,
        }
    }

    pub fn arn(&self) -> String {
        let (home, account, name) = (self.home, self.account, self.name);
        format!("arn:aws:cloudtrail:{home}:{account}:trail/{name}")
    }

    fn json(&self) -> Value {
        json!({
            "Name": self.name,
            "TrailARN": self.arn(),
            "HomeRegion": self.home,
            "S3BucketName": self.bucket,
            "S3KeyPrefix": self.prefix,
            "IsOrganizationTrail": self.organization,
            "IsMultiRegionTrail": self.here,
        })
    }
}

/// What is served.
pub struct Cloud {
    trails: Vec<Trail>,
    /// The role whose session may read the bucket, instead of the caller.
    role: Option<&'static str>,
    /// The public keys that digests are signed with; without any, nobody may ask for them.
    keys: Vec<Value>,
    /// What GetTrailStatus answers in a Region; nobody else may ask what a trail does.
    statuses: Vec<(&'static str, Value)>,
    asked: Arc<Mutex<Vec<String>>>,
    /// It writes down itself what is asked of its S3.
    tells: bool,
    s3: S3Service,
}

impl Cloud {
    pub fn new(memory: Memory, trails: &[Trail], role: Option<&'static str>) -> Self {
        let login = if role.is_some() { "role" } else { LOGIN };
        let asked = memory.asked();
        let mut builder = S3ServiceBuilder::new(memory);
        builder.set_auth(SimpleAuth::from_single(login, login));
        Self {
            trails: trails.to_vec(),
            role,
            keys: Vec::new(),
            statuses: Vec::new(),
            asked,
            tells: false,
            s3: builder.build(),
        }
    }

    /// Any S3, with the public keys of its digests. It remembers what was asked of it.
    pub fn over(s3: impl s3s::S3, trails: &[Trail], keys: Vec<Value>) -> Self {
        let mut builder = S3ServiceBuilder::new(s3);
        builder.set_auth(SimpleAuth::from_single(LOGIN, LOGIN));
        Self {
            trails: trails.to_vec(),
            role: None,
            keys,
            statuses: Vec::new(),
            asked: Arc::default(),
            tells: true,
            s3: builder.build(),
        }
    }

    /// Tells a trail's status, each Region its own.
    pub fn telling(mut self, statuses: Vec<(&'static str, Value)>) -> Self {
        self.statuses = statuses;
        self
    }

    /// As [`Memory::asked`].
    pub fn asked(&self) -> Arc<Mutex<Vec<String>>> {
        Arc::clone(&self.asked)
    }

    /// Serves until the runtime ends; gives the URL.
    pub async fn serve(self) -> String {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let cloud = Arc::new(self);
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                // small answers must not wait for the client to acknowledge what came before
                drop(socket.set_nodelay(true));
                let cloud = Arc::clone(&cloud);
                let service = hyper::service::service_fn(move |request| {
                    let cloud = Arc::clone(&cloud);
                    async move { cloud.answer(request).await }
                });
                tokio::spawn(async move {
                    let http = Builder::new(TokioExecutor::new());
                    // a client that hangs up is no error of the test
                    drop(http.serve_connection(TokioIo::new(socket), service).await);
                });
            }
        });
        url
    }

    async fn answer(&self, request: Request<Incoming>) -> Result<Response<Body>, s3s::HttpError> {
        let target = request.headers().get("x-amz-target");
        let target = target.and_then(|target| target.to_str().ok());
        let call = target.and_then(|target| target.rsplit_once('.'));
        if let Some((_, call)) = call {
            let call = call.to_owned();
            let region = region(&request);
            let status = self.statuses.iter().find(|(at, _)| *at == region);
            if let (Some((_, status)), "GetTrailStatus") = (status, &*call) {
                return Ok(Response::new(Body::from(status.to_string())));
            }
            if call.starts_with("Get") {
                // this caller may not read what a trail records
                let text = format!(
                    r#"{{"__type":"AccessDeniedException","message":"not authorized to perform: cloudtrail:{call}"}}"#
                );
                let mut response = Response::new(Body::from(text));
                *response.status_mut() = hyper::StatusCode::BAD_REQUEST;
                return Ok(response);
            }
            let body: Value = serde_json::from_slice(&whole(request.into_body()).await).unwrap();
            if call == "ListPublicKeys" && self.keys.is_empty() {
                let text = json!({"__type": "AccessDeniedException", "message": "not authorized"});
                let mut response = Response::new(Body::from(text.to_string()));
                *response.status_mut() = hyper::StatusCode::BAD_REQUEST;
                return Ok(response);
            }
            return Ok(Response::new(Body::from(
                self.trails(&call, &body).to_string(),
            )));
        }
        if request.method() == "POST" {
            let form = String::from_utf8(whole(request.into_body()).await).unwrap();
            return Ok(self.session(&form));
        }
        if self.tells
            && request
                .uri()
                .query()
                .is_none_or(|query| query == "x-id=GetObject")
        {
            let asked = format!("{} {}", request.method(), request.uri().path());
            self.asked.lock().unwrap().push(asked);
        }
        hyper::service::Service::call(&self.s3, request).await
    }

    fn trails(&self, call: &str, asked: &Value) -> Value {
        let names = asked["trailNameList"].as_array();
        let trails = self.trails.iter();
        match call {
            "DescribeTrails" => {
                let matching = trails.filter(|trail| match names {
                    Some(names) => names.contains(&json!(trail.arn())),
                    None => trail.here,
                });
                json!({"trailList": matching.map(Trail::json).collect::<Vec<_>>()})
            }
            "ListTrails" => {
                let matching = trails.filter(|trail| trail.listed);
                let matching =
                    matching.map(|trail| json!({"TrailARN": trail.arn(), "Name": trail.name}));
                json!({"Trails": matching.collect::<Vec<_>>()})
            }
            "ListPublicKeys" => json!({"PublicKeyList": self.keys}),
            other => panic!("nobody plays {other} here"),
        }
    }

    fn session(&self, form: &str) -> Response<Body> {
        let role = self
            .role
            .map(|role| role.replace(':', "%3A").replace('/', "%2F"));
        let allowed = role.is_some_and(|role| form.contains(&format!("RoleArn={role}")));
        if !allowed {
            let text = "<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code>\
                <Message>not authorized to perform: sts:AssumeRole</Message></Error></ErrorResponse>";
            let mut response = Response::new(Body::from(text.to_owned()));
            *response.status_mut() = hyper::StatusCode::FORBIDDEN;
            return response;
        }
        let text = "<AssumeRoleResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">\
            <AssumeRoleResult><Credentials><AccessKeyId>role</AccessKeyId>\
            <SecretAccessKey>role</SecretAccessKey><SessionToken>session</SessionToken>\
            <Expiration>2099-01-01T00:00:00Z</Expiration></Credentials>\
            <AssumedRoleUser><AssumedRoleId>AROA:x</AssumedRoleId><Arn>arn:aws:sts::1:x</Arn>\
            </AssumedRoleUser></AssumeRoleResult></AssumeRoleResponse>";
        Response::new(Body::from(text.to_owned()))
    }
}

/// The Region a request was signed for: `Credential=KEY/DAY/REGION/SERVICE/aws4_request`.
fn region(request: &Request<Incoming>) -> String {
    let signed = request.headers()["authorization"].to_str().unwrap();
    signed.split('/').nth(2).unwrap().to_owned()
}

/// A whole body; requests of these services are small.
async fn whole(body: Incoming) -> Vec<u8> {
    let mut body = pin!(body);
    let mut bytes = Vec::new();
    while let Some(frame) = poll_fn(|context| body.as_mut().poll_frame(context)).await {
        if let Ok(data) = frame.unwrap().into_data() {
            bytes.extend_from_slice(&data);
        }
    }
    bytes
}
