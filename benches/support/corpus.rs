//! A generator of trails with a fixed seed: the same files on every machine, in the mix of services
//! that a small clinic's account shows (a third object reads, a tenth writes, an eighth role
//! assumptions, the rest console and infrastructure calls, one call in fifty refused).

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;

/// xorshift64*: no more than a bench needs.
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub fn below(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) % sides
    }

    fn hex(&mut self, digits: usize) -> String {
        (0..digits)
            .map(|_| {
                char::from_digit(u32::try_from(self.below(16)).unwrap_or(0), 16).unwrap_or('0')
            })
            .collect()
    }

    fn pick<'t>(&mut self, from: &[&'t str]) -> &'t str {
        from[usize::try_from(self.below(from.len() as u64)).unwrap_or(0)]
    }
}

const CALLS: [(&str, &str, bool); 14] = [
    ("ec2", "DescribeInstances", true),
    ("ec2", "DescribeSecurityGroups", true),
    ("ec2", "RunInstances", false),
    ("iam", "ListRoles", true),
    ("iam", "GetUser", true),
    ("iam", "CreateRole", false),
    ("kms", "Decrypt", true),
    ("kms", "GenerateDataKey", true),
    ("secretsmanager", "GetSecretValue", true),
    ("logs", "DescribeLogGroups", true),
    ("lambda", "ListFunctions20150331", true),
    ("rds", "DescribeDBInstances", true),
    ("cloudtrail", "LookupEvents", true),
    ("monitoring", "DescribeAlarms", true),
];

/// One record as CloudTrail writes it, `second` seconds after Monday 2026-11-16.
pub fn record(dice: &mut Dice, second: u64) -> String {
    let (day, rest) = (16 + second / 86_400, second % 86_400);
    let time = format!(
        "2026-11-{day:02}T{:02}:{:02}:{:02}Z",
        rest / 3_600,
        rest / 60 % 60,
        rest % 60
    );
    let role = dice.pick(&[
        "backend-task-role",
        "etl-nightly",
        "analytics-reader",
        "ci-deployer",
    ]);
    let session = format!("i-0{}", dice.hex(16));
    let (source, name, read_only, data) = match dice.below(100) {
        0..33 => ("s3", "GetObject", true, true),
        33..43 => ("s3", "PutObject", false, true),
        43..55 => ("sts", "AssumeRole", true, false),
        _ => {
            let (source, name, read) =
                CALLS[usize::try_from(dice.below(CALLS.len() as u64)).unwrap_or(0)];
            (source, name, read, false)
        }
    };
    let mut out = String::with_capacity(1_600);
    let _ = write!(
        out,
        r#"{{"eventVersion":"1.11","userIdentity":{{"type":"AssumedRole","principalId":"AROAEXAMPLE:{session}","arn":"arn:aws:sts::111122223333:assumed-role/{role}/{session}","accountId":"111122223333","accessKeyId":"ASIA{}","sessionContext":{{"sessionIssuer":{{"type":"Role","principalId":"AROAEXAMPLE","arn":"arn:aws:iam::111122223333:role/{role}","accountId":"111122223333","userName":"{role}"}},"attributes":{{"creationDate":"{time}","mfaAuthenticated":"false"}}}}}},"eventTime":"{time}","eventSource":"{source}.amazonaws.com","eventName":"{name}","awsRegion":"us-east-1","sourceIPAddress":"198.51.100.{}","userAgent":"aws-sdk-rust/1.3.3 os/linux lang/rust/1.95.0","#,
        dice.hex(16).to_uppercase(),
        dice.below(256)
    );
    if dice.below(50) == 0 {
        out.push_str(r#""errorCode":"AccessDenied","errorMessage":"Access Denied","#);
    }
    if data {
        let key = format!("workspace-{}/{}.bin", dice.below(400), dice.hex(32));
        let _ = write!(
            out,
            r#""requestParameters":{{"bucketName":"attachments","Host":"attachments.s3.amazonaws.com","key":"{key}"}},"responseElements":null,"additionalEventData":{{"SignatureVersion":"SigV4","CipherSuite":"TLS_AES_128_GCM_SHA256","bytesTransferredIn":0,"SSEApplied":"SSE_KMS","bytesTransferredOut":{}}},"resources":[{{"type":"AWS::S3::Object","ARN":"arn:aws:s3:::attachments/{key}"}},{{"accountId":"111122223333","type":"AWS::S3::Bucket","ARN":"arn:aws:s3:::attachments"}}],"#,
            dice.below(9_000_000)
        );
    } else {
        let _ = write!(
            out,
            r#""requestParameters":{{"maxResults":{},"filterSet":{{"items":[{{"name":"vpc-id","valueSet":{{"items":[{{"value":"vpc-{}"}}]}}}}]}}}},"responseElements":null,"#,
            dice.below(1_000),
            dice.hex(17)
        );
    }
    let _ = write!(
        out,
        r#""requestID":"{}","eventID":"{}-{}-4{}-8{}-{}","readOnly":{read_only},"eventType":"AwsApiCall","managementEvent":{},"recipientAccountId":"111122223333","eventCategory":"{}","tlsDetails":{{"tlsVersion":"TLSv1.3","cipherSuite":"TLS_AES_128_GCM_SHA256","clientProvidedHostHeader":"{source}.us-east-1.amazonaws.com"}}}}"#,
        dice.hex(16),
        dice.hex(8),
        dice.hex(4),
        dice.hex(3),
        dice.hex(3),
        dice.hex(12),
        !data,
        if data { "Data" } else { "Management" }
    );
    out
}

/// One file's content, not compressed.
pub fn file(dice: &mut Dice, records: u64, second: u64) -> String {
    let mut text = String::from("{\"Records\":[");
    for n in 0..records {
        if n > 0 {
            text.push(',');
        }
        let at = second + dice.below(300);
        text.push_str(&record(dice, at));
    }
    text.push_str("]}");
    text
}

pub fn gzip(text: &str) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::new(6));
    encoder.write_all(text.as_bytes()).expect("memory");
    encoder.finish().expect("memory")
}

/// Writes a trail of that many events into a folder, in CloudTrail's layout.
pub fn trail(root: &Path, events: u64, mean: u64) -> std::io::Result<()> {
    let mut dice = Dice::new(7);
    let mut left = events;
    while left > 0 {
        let records = (1 + dice.below(2 * mean)).min(left);
        left -= records;
        let second = dice.below(6 * 86_400);
        let (day, rest) = (16 + second / 86_400, second % 86_400);
        let folder = root.join(format!(
            "AWSLogs/111122223333/CloudTrail/us-east-1/2026/11/{day:02}"
        ));
        std::fs::create_dir_all(&folder)?;
        let text = file(&mut dice, records, second);
        let name = format!(
            "111122223333_CloudTrail_us-east-1_202611{day:02}T{:02}{:02}Z_{}.json.gz",
            rest / 3_600,
            rest / 60 % 60,
            dice.hex(16)
        );
        std::fs::write(folder.join(name), gzip(&text))?;
    }
    Ok(())
}
