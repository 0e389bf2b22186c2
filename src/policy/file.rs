//! Files with policies: a document, or what the AWS CLI prints of roles, users and policies.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::Value as Json;

use super::principal::remarks;
use super::{DocumentError, Kind, Principal, Statement, statements};
use crate::seeded::SeededMap;
use crate::{sha256, small_file};

/// The principals of all files, in the order of their names.
#[derive(Debug, Clone, Default)]
pub struct Policies {
    pub principals: Vec<Principal>,
    /// Each file with the SHA-256 of what it holds.
    pub files: Vec<(String, String)>,
    /// What is legal and most likely not what was meant.
    pub remarks: Vec<String>,
    by_name: SeededMap<String, Vec<usize>>,
}

/// A file that cannot be used; the message names the file and the place in it.
#[derive(Debug, thiserror::Error)]
pub enum PolicyFileError {
    #[error("{path}: {error}")]
    Unreadable {
        path: PathBuf,
        error: std::io::Error,
    },
    #[error("{path}: not JSON: {error}")]
    Json {
        path: PathBuf,
        error: serde_json::Error,
    },
    #[error("{path}: {document}: {error}")]
    Document {
        path: PathBuf,
        document: String,
        error: DocumentError,
    },
    #[error(
        "{0}: no policy document: expected a document with Statement, or what `aws iam \
         get-account-authorization-details`, get-role, get-role-policy, get-user-policy or \
         get-policy-version prints"
    )]
    NoPolicy(PathBuf),
    #[error(
        "{0}: the document does not name its role: write ROLE=FILE, or name the file after the role"
    )]
    NoName(PathBuf),
}

impl Policies {
    /// Reads files, each as FILE or NAME=FILE. A document does not say whose it is: it belongs to NAME, else
    /// to the role or user that its file is named after. Relative paths are seen from `folder`.
    ///
    /// # Errors
    /// A file cannot be read, or holds no policy that IAM would take.
    pub fn read<S: AsRef<str>>(files: &[S], folder: &Path) -> Result<Self, PolicyFileError> {
        let mut reader = Reader::default();
        for file in files {
            let file = file.as_ref();
            let is_file = folder.join(file).is_file();
            let (name, file) = match file.split_once('=') {
                Some((name, file)) if !is_file => (Some(name), file),
                _ => (None, file),
            };
            reader.file(name, &folder.join(file))?;
        }
        Ok(reader.finish())
    }

    /// Adds a principal for which no document was given.
    pub fn add_name(&mut self, name: &str) {
        let arn = name.starts_with("arn:").then(|| name.to_owned());
        let bare = name.rsplit('/').next().unwrap_or(name);
        let at = self.principals.len();
        self.principals.push(Principal {
            name: bare.to_owned(),
            arn,
            ..Principal::default()
        });
        self.by_name.entry(bare.to_owned()).or_default().push(at);
    }

    /// True if a principal has this name or ARN.
    pub fn names(&self, name: &str) -> bool {
        self.principals.iter().any(|one| one.is_named(name))
    }

    /// Keeps the principals that `wanted` accepts.
    pub fn retain(&mut self, wanted: impl Fn(&Principal) -> bool) {
        self.principals.retain(wanted);
        self.index();
    }

    /// The principal that made a call, by its ARN and name.
    pub fn find(&self, arn: &str, name: &str) -> Option<(usize, &Principal)> {
        let places = self.by_name.get(name)?;
        let principals = places.iter();
        let principals = principals.filter_map(|at| Some((*at, self.principals.get(*at)?)));
        let is_user = arn.contains(":user/");
        let mut fitting = principals.filter(|(_, one)| match (&one.arn, one.kind) {
            (Some(own), _) => own == arn,
            (None, Some(kind)) => (kind == Kind::User) == is_user,
            (None, None) => true,
        });
        fitting.next()
    }

    fn index(&mut self) {
        self.by_name.clear();
        for (at, principal) in self.principals.iter().enumerate() {
            let places = self.by_name.entry(principal.name.clone()).or_default();
            places.push(at);
        }
    }
}

/// What has been read so far.
#[derive(Default)]
struct Reader {
    /// By ARN or, for documents in files of their own, by name.
    principals: BTreeMap<String, Principal>,
    /// Managed policies, by ARN.
    managed: BTreeMap<String, Vec<Statement>>,
    /// Principal, and the managed policy that is attached to it.
    attached: Vec<(String, String)>,
    files: Vec<(String, String)>,
    remarks: Vec<String>,
}

impl Reader {
    fn file(&mut self, name: Option<&str>, path: &Path) -> Result<(), PolicyFileError> {
        let text = small_file::read_text(path, small_file::MOST_ANSWERS);
        let text = text.map_err(|error| PolicyFileError::Unreadable {
            path: path.to_owned(),
            error,
        })?;
        let hash = sha256::hex([text.as_bytes()]);
        self.files.push((path.display().to_string(), hash));
        // editors on Windows put a byte order mark before it
        let bare = text.trim_start_matches('\u{feff}').trim();
        let json = match bare.starts_with('%') {
            true => Json::String(bare.to_owned()),
            false => serde_json::from_str(bare).map_err(|error| PolicyFileError::Json {
                path: path.to_owned(),
                error,
            })?,
        };
        let file = InFile { path, name };
        let accounts = [
            "RoleDetailList",
            "UserDetailList",
            "GroupDetailList",
            "Policies",
        ];
        if accounts.iter().any(|list| json.get(list).is_some()) {
            return self.account(&json, &file);
        }
        if let Some(role) = json.get("Role") {
            return self.role(role, &file);
        }
        if let Some(document) = json.get("PolicyDocument") {
            let owner = ["RoleName", "UserName"].map(|member| text_of(&json, member));
            let [role, user] = owner;
            let policy = text_of(&json, "PolicyName").unwrap_or("PolicyDocument");
            let statements = file.statements(document, policy)?;
            let kind = match (role, user) {
                (Some(_), _) => Some(Kind::Role),
                (None, Some(_)) => Some(Kind::User),
                (None, None) => None,
            };
            let name = match name.or(role).or(user) {
                Some(name) => name.to_owned(),
                None => file.stem()?,
            };
            let principal = self.principal(&name, kind);
            principal.statements.extend(statements);
            return Ok(());
        }
        let document = match json.get("PolicyVersion") {
            Some(version) => version.get("Document").unwrap_or(&Json::Null),
            None if json.get("Statement").is_some() || json.is_string() => &json,
            None => return Err(PolicyFileError::NoPolicy(path.to_owned())),
        };
        let label = path.file_stem().unwrap_or_default().to_string_lossy();
        let statements = file.statements(document, &label)?;
        let name = match name {
            Some(name) => name.to_owned(),
            None => file.stem()?,
        };
        let principal = self.principal(&name, None);
        let (trust, own): (Vec<_>, Vec<_>) = statements.into_iter().partition(Statement::is_trust);
        if !trust.is_empty() {
            principal.kind = Some(Kind::Role);
        }
        principal.trust.extend(trust);
        principal.statements.extend(own);
        Ok(())
    }

    /// The principal with that ARN or name.
    fn principal(&mut self, id: &str, kind: Option<Kind>) -> &mut Principal {
        let principal = self.principals.entry(id.to_owned()).or_default();
        principal.name = id.rsplit('/').next().unwrap_or(id).to_owned();
        principal.kind = principal.kind.or(kind);
        principal.has_document = true;
        if id.starts_with("arn:") {
            principal.arn = Some(id.to_owned());
        }
        principal
    }

    /// What `aws iam get-account-authorization-details` prints.
    fn account(&mut self, json: &Json, file: &InFile<'_>) -> Result<(), PolicyFileError> {
        if json.get("IsTruncated") == Some(&Json::Bool(true)) {
            self.remarks.push(format!(
                "{}: IsTruncated is true: it is one page of several, so roles and policies are missing",
                file.path.display()
            ));
        }
        for policy in items(json, "Policies") {
            let (Some(arn), versions) =
                (text_of(policy, "Arn"), items(policy, "PolicyVersionList"))
            else {
                continue;
            };
            let default = text_of(policy, "DefaultVersionId");
            let is_default = |version: &&Json| {
                version.get("IsDefaultVersion") == Some(&Json::Bool(true))
                    || (default.is_some() && text_of(version, "VersionId") == default)
            };
            if let Some(document) = versions.iter().find(is_default) {
                let name = arn.rsplit('/').next().unwrap_or(arn);
                let document = document.get("Document").unwrap_or(&Json::Null);
                let statements = file.statements(document, name)?;
                self.managed.insert(arn.to_owned(), statements);
            }
        }
        let mut groups = BTreeMap::new();
        for group in items(json, "GroupDetailList") {
            if let Some(name) = text_of(group, "GroupName") {
                groups.insert(name, group);
            }
        }
        for user in items(json, "UserDetailList") {
            let Some(arn) = text_of(user, "Arn").or(text_of(user, "UserName")) else {
                continue;
            };
            self.principal(arn, Some(Kind::User)).boundary = boundary(user);
            self.policies(arn, user, "UserPolicyList", file)?;
            for group in items(user, "GroupList") {
                match group.as_str().and_then(|name| groups.get(name)) {
                    Some(group) => self.policies(arn, group, "GroupPolicyList", file)?,
                    None => {
                        let missing = format!("the policies of group {group}");
                        self.principal(arn, None).missing.insert(missing);
                    }
                }
            }
        }
        for role in items(json, "RoleDetailList") {
            self.role(role, file)?;
        }
        Ok(())
    }

    /// A role, as `get-account-authorization-details` and `get-role` print it.
    fn role(&mut self, role: &Json, file: &InFile<'_>) -> Result<(), PolicyFileError> {
        let Some(arn) = text_of(role, "Arn").or(text_of(role, "RoleName")) else {
            return Err(PolicyFileError::NoPolicy(file.path.to_owned()));
        };
        let trust = match role.get("AssumeRolePolicyDocument") {
            Some(document) => {
                let name = format!("the trust policy of {arn}");
                file.statements(document, &name)?
            }
            None => Vec::new(),
        };
        let principal = self.principal(arn, Some(Kind::Role));
        principal.trust.extend(trust);
        principal.boundary = boundary(role);
        // get-role says nothing of policies
        if role.get("RolePolicyList").is_none() && role.get("AttachedManagedPolicies").is_none() {
            principal.has_document = !principal.statements.is_empty();
        }
        self.policies(arn, role, "RolePolicyList", file)
    }

    /// The inline policies of a role, user or group, and what is attached to it.
    fn policies(
        &mut self,
        principal: &str,
        details: &Json,
        inline: &str,
        file: &InFile<'_>,
    ) -> Result<(), PolicyFileError> {
        for policy in items(details, inline) {
            let name = text_of(policy, "PolicyName").unwrap_or("inline policy");
            let document = policy.get("PolicyDocument").unwrap_or(&Json::Null);
            let statements = file.statements(document, name)?;
            let principal = self.principal(principal, None);
            principal.statements.extend(statements);
        }
        for policy in items(details, "AttachedManagedPolicies") {
            if let Some(arn) = text_of(policy, "PolicyArn") {
                self.attached.push((principal.to_owned(), arn.to_owned()));
            }
        }
        Ok(())
    }

    fn finish(mut self) -> Policies {
        for (principal, policy) in std::mem::take(&mut self.attached) {
            let statements = self.managed.get(&policy).cloned();
            let principal = self.principal(&principal, None);
            match statements {
                Some(statements) => principal.statements.extend(statements),
                None => {
                    principal.missing.insert(policy);
                }
            }
        }
        self.join_by_name();
        let mut policies = Policies {
            principals: self.principals.into_values().collect(),
            files: self.files,
            remarks: self.remarks,
            ..Policies::default()
        };
        policies
            .principals
            .sort_by(|a, b| (&a.name, &a.arn).cmp(&(&b.name, &b.arn)));
        for principal in &policies.principals {
            policies.remarks.extend(remarks(principal));
        }
        policies.index();
        policies
    }

    /// A file of its own may hold another policy, or the trust policy, of a principal whose ARN is known.
    fn join_by_name(&mut self) {
        let bare: Vec<String> = self.principals.keys().cloned().collect();
        for name in bare.into_iter().filter(|id| !id.starts_with("arn:")) {
            let is_same = |one: &&mut Principal| one.arn.is_some() && one.name == name;
            let Some(extra) = self.principals.remove(&name) else {
                continue;
            };
            let mut same = self.principals.values_mut().filter(is_same);
            let Some(first) = same.next() else {
                self.principals.insert(name, extra);
                continue;
            };
            for principal in std::iter::once(first).chain(same) {
                principal
                    .statements
                    .extend(extra.statements.iter().cloned());
                principal.trust.extend(extra.trust.iter().cloned());
                principal.has_document |= extra.has_document;
            }
        }
    }
}

/// A file that is being read, and the name that was given for it.
struct InFile<'f> {
    path: &'f Path,
    name: Option<&'f str>,
}

impl InFile<'_> {
    fn statements(&self, document: &Json, name: &str) -> Result<Vec<Statement>, PolicyFileError> {
        statements(document, name).map_err(|error| PolicyFileError::Document {
            path: self.path.to_owned(),
            document: name.to_owned(),
            error,
        })
    }

    /// The name of the role or user that the file is named after.
    fn stem(&self) -> Result<String, PolicyFileError> {
        if let Some(name) = self.name {
            return Ok(name.to_owned());
        }
        let stem = self.path.file_stem().and_then(|stem| stem.to_str());
        let is_name = |stem: &&str| {
            let allowed = |c: char| c.is_ascii_alphanumeric() || "+=,.@_-".contains(c);
            !stem.is_empty() && stem.len() <= 64 && stem.chars().all(allowed)
        };
        let stem = stem.filter(is_name);
        let stem = stem.ok_or_else(|| PolicyFileError::NoName(self.path.to_owned()))?;
        Ok(stem.to_owned())
    }
}

fn items<'j>(json: &'j Json, member: &str) -> &'j [Json] {
    json.get(member)
        .and_then(Json::as_array)
        .map_or(&[], Vec::as_slice)
}

fn text_of<'j>(json: &'j Json, member: &str) -> Option<&'j str> {
    json.get(member)?.as_str()
}

fn boundary(details: &Json) -> Option<String> {
    let boundary = details.get("PermissionsBoundary")?;
    let arn = boundary.get("PermissionsBoundaryArn")?;
    arn.as_str().map(str::to_owned)
}
