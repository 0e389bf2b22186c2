use super::*;

/// The values of a list of the proposed configuration.
fn values<'t>(table: &'t toml::Table, path: &[&str]) -> Vec<&'t str> {
    let (last, tables) = path.split_last().unwrap();
    let table = tables
        .iter()
        .fold(table, |table, name| table[*name].as_table().unwrap());
    let list = table[*last].as_array().unwrap();
    list.iter().map(|value| value.as_str().unwrap()).collect()
}

#[test]
fn policies_give_the_values_that_rules_ask_for() {
    let samples = format!("{}/samples/policies", env!("CARGO_MANIFEST_DIR"));
    let files = [
        format!("{samples}/clinic-backend-task-role.json"),
        format!("clinic-backend-task-role={samples}/trust.json"),
        format!("{samples}/account-details.json"),
        format!("{samples}/clinic-uploads-dev.json"),
    ];
    let policies = Policies::read(&files, Path::new("")).unwrap();
    let text = propose(&policies, &files);
    let config = Config::parse(&text, Path::new("trailscan.toml")).unwrap();
    assert_eq!(config.policies.files.len(), files.len());
    let table: toml::Table = toml::from_str(&text).unwrap();
    for (path, expected) in [
        (vec!["scope", "accounts"], vec!["111122223333"]),
        (vec!["scope", "regions"], vec!["us-east-1"]),
        (
            vec!["phi", "buckets"],
            vec![
                "clinic-*-uploads",
                "clinic-attachments-prod",
                "clinic-reports",
            ],
        ),
        (vec!["phi", "secrets"], vec!["clinic/*"]),
        (
            vec!["principals", "workload"],
            vec!["clinic-backend-task-role", "clinic-task-execution-role"],
        ),
        (vec!["secrets", "allowed_regions"], vec!["us-east-1"]),
        (
            vec!["secrets", "allow", "clinic-backend-task-role"],
            vec!["clinic/database-url*", "clinic/jwt-secret*"],
        ),
        (
            vec!["secrets", "allow", "clinic-task-execution-role"],
            vec!["clinic/redis-url*"],
        ),
        (vec!["s3", "allowed_list_prefix"], vec!["tenant-*/*"]),
        (
            vec!["s3", "required_encryption", "clinic-attachments-prod"],
            vec!["AES256"],
        ),
        (vec!["environments", "prod"], vec!["*-prod"]),
        (vec!["environments", "dev"], vec!["*-dev"]),
    ] {
        assert_eq!(values(&table, &path), expected, "{path:?}");
    }
    // every value says where it comes from
    let bare = text
        .lines()
        .filter(|line| line.starts_with("    \"") && !line.contains(" # "));
    let bare: Vec<&str> = bare.filter(|line| !line.contains(".json\"")).collect();
    assert!(bare.is_empty(), "{bare:?}");
    assert!(
        text.contains("trust, statement 1 trusts ecs-tasks.amazonaws.com"),
        "{text}"
    );
    assert!(text.contains("trusted.accounts: 444455556666"), "{text}");
}

#[test]
fn what_names_say_cannot_leave_a_comment_or_a_text() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("app.json");
    let document = r#"{"Statement":{"Sid":"a\nb = 1\u0007","Effect":"Allow","Action":"s3:GetObject","Resource":
        ["arn:aws:s3:::x\"]\n[evil]\n/*","arn:aws:s3:::fine-bucket/*"]}}"#;
    std::fs::write(&file, document).unwrap();
    let files = [file.display().to_string()];
    let text = propose(&Policies::read(&files, Path::new("")).unwrap(), &files);
    let table: toml::Table = toml::from_str(&text).unwrap();
    assert_eq!(
        values(&table, &["phi", "buckets"]),
        ["fine-bucket"],
        "{text}"
    );
    assert!(!table.contains_key("evil"));
}
