//! SSH signatures, made and checked by `ssh-keygen -Y`: agents and hardware keys work, and anybody can check
//! a signature without trailscan.

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, bail};
use serde::{Deserialize, Serialize};

use crate::ledger::entry::{Approval, Signature, SshSignature};
use crate::ledger::{Entry, Line};

/// What the signatures are for (`ssh-keygen(1)`, "-n namespace").
const NAMESPACE: &str = "trailscan-review";

const PROGRAM: &str = "ssh-keygen";

/// What is signed: the line's own words, and the head of the ledger before it.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Message {
    r#type: String,
    period: String,
    report: String,
    manifest_sha256: String,
    by: String,
    role: String,
    statement: String,
    prev: String,
}

impl Message {
    pub(super) fn of_signature(signature: &Signature, by: &str, prev: &str) -> Self {
        Self {
            r#type: "signature".to_owned(),
            period: signature.period.clone(),
            report: signature.report.clone(),
            manifest_sha256: signature.manifest_sha256.clone(),
            by: by.to_owned(),
            role: signature.role.clone(),
            statement: signature.statement.clone(),
            prev: prev.to_owned(),
        }
    }

    pub(super) fn of_approval(approval: &Approval, by: &str, prev: &str) -> Self {
        Self {
            r#type: "approval".to_owned(),
            period: approval.period.clone(),
            report: approval.report.clone(),
            manifest_sha256: approval.manifest_sha256.clone(),
            by: by.to_owned(),
            role: approval.role.clone(),
            statement: approval.statement.clone(),
            prev: prev.to_owned(),
        }
    }
}

/// What came of checking a signature.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Checked {
    Valid,
    /// It is not valid, or not of this line.
    Invalid(String),
    /// ssh-keygen is absent.
    Unchecked(String),
}

/// Signs a message; `key` is a private key, or a public one whose private key the agent has.
///
/// # Errors
/// ssh-keygen is absent, or does not sign.
pub(super) fn sign(key: &Path, message: &Message) -> anyhow::Result<SshSignature> {
    let by = &message.by;
    let message = serde_json::to_string(message)?;
    let made = run(
        &["-Y", "sign", "-n", NAMESPACE, "-f", &text_of(key)?],
        message.as_bytes(),
    );
    let made = made.with_context(|| format!("cannot sign with {}", key.display()))?;
    let Answer::Done(signature) = made else {
        bail!("{PROGRAM} did not sign with {}", key.display());
    };
    Ok(SshSignature {
        principal: principal(by),
        key: public_key(key)?,
        message,
        signature,
    })
}

/// The line for an `allowed_signers` file.
pub(super) fn allowed_signer(signature: &SshSignature) -> String {
    format!(
        "{} namespaces=\"{NAMESPACE}\" {}",
        signature.principal, signature.key
    )
}

/// Checks the signature of a line; `None` if it has none. Without `signers` only the line's own key is
/// asked for, which does not name the owner of the key.
pub(super) fn check(line: &Line, signers: Option<&Path>) -> anyhow::Result<Option<Checked>> {
    let (signature, own) = match &line.entry {
        Entry::Signature(entry) => (
            &entry.ssh,
            Message::of_signature(entry, &line.by, &line.prev),
        ),
        Entry::Approval(entry) => (
            &entry.ssh,
            Message::of_approval(entry, &line.by, &line.prev),
        ),
        _ => return Ok(None),
    };
    let Some(signature) = signature else {
        return Ok(None);
    };
    let invalid = |what: &str| Ok(Some(Checked::Invalid(what.to_owned())));
    if serde_json::from_str::<Message>(&signature.message).ok() != Some(own) {
        return invalid("says something else than the line");
    }
    if signature.principal != principal(&line.by) {
        return invalid("is of another name than the line");
    }
    let mut own_signers = tempfile::NamedTempFile::new()?;
    writeln!(own_signers, "{}", allowed_signer(signature))?;
    let mut file = tempfile::NamedTempFile::new()?;
    file.write_all(signature.signature.as_bytes())?;
    for signers in [Some(own_signers.path()), signers].into_iter().flatten() {
        let (signers, file) = (text_of(signers)?, text_of(file.path())?);
        let arguments = [
            "-Y",
            "verify",
            "-n",
            NAMESPACE,
            "-I",
            &signature.principal,
            "-f",
            &signers,
            "-s",
            &file,
        ];
        match run(&arguments, signature.message.as_bytes()) {
            Ok(Answer::Done(_)) => {}
            Ok(Answer::Refused) => return invalid("is not valid, or not of an allowed key"),
            Err(error) => return Ok(Some(Checked::Unchecked(format!("{error:#}")))),
        }
    }
    Ok(Some(Checked::Valid))
}

/// The name for `allowed_signers`, which takes no blanks: `j-ortiz`.
fn principal(name: &str) -> String {
    let words = name.split(|c: char| !c.is_alphanumeric());
    let words: Vec<String> = words
        .filter(|word| !word.is_empty())
        .map(str::to_lowercase)
        .collect();
    words.join("-")
}

/// The public key of a key file: what `KEY.pub` says, or what ssh-keygen draws from the private key.
fn public_key(key: &Path) -> anyhow::Result<String> {
    let mut beside = key.as_os_str().to_owned();
    if key.extension().is_none_or(|extension| extension != "pub") {
        beside.push(".pub");
    }
    let text = match std::fs::read_to_string(PathBuf::from(beside)) {
        Ok(text) => text,
        Err(_) => match run(&["-y", "-f", &text_of(key)?], b"")? {
            Answer::Done(text) => text,
            Answer::Refused => bail!("{PROGRAM} cannot read {}", key.display()),
        },
    };
    let words: Vec<&str> = text.split_whitespace().take(2).collect();
    match words.len() {
        2 => Ok(words.join(" ")),
        _ => bail!("{} has no public key", key.display()),
    }
}

fn text_of(path: &Path) -> anyhow::Result<String> {
    let text = path.to_str();
    let text = text.with_context(|| format!("{} is not UTF-8", path.display()))?;
    // one that looks like an option
    Ok(match text.starts_with('-') {
        true => format!("./{text}"),
        false => text.to_owned(),
    })
}

enum Answer {
    Done(String),
    Refused,
}

/// Runs ssh-keygen, which asks for a passphrase or a touch on the terminal itself.
///
/// # Errors
/// It is absent.
fn run(arguments: &[&str], input: &[u8]) -> anyhow::Result<Answer> {
    let mut command = Command::new(PROGRAM);
    command
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped());
    let verifies = arguments.contains(&"verify");
    command.stderr(if verifies {
        Stdio::null()
    } else {
        Stdio::inherit()
    });
    let mut child = command.spawn().map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => {
            anyhow::anyhow!("{PROGRAM} is not installed; it comes with OpenSSH 8.2 and later")
        }
        _ => anyhow::anyhow!("cannot start {PROGRAM}: {error}"),
    })?;
    if let Some(mut stdin) = child.stdin.take() {
        // one that ends early has an exit code that says so
        drop(stdin.write_all(input));
    }
    let output = child.wait_with_output()?;
    Ok(match output.status.success() {
        true => Answer::Done(String::from_utf8_lossy(&output.stdout).into_owned()),
        false => Answer::Refused,
    })
}
