//! The JSON Schema of trailscan.toml, generated from the structs that read it.

use schemars::Schema;
use schemars::generate::SchemaSettings;
use schemars::transform::{Transform, transform_subschemas};
use serde_json::Value;

use super::RawConfig;

/// The JSON Schema of trailscan.toml: draft 7, the newest that editors for TOML read.
pub fn schema() -> Schema {
    let settings = SchemaSettings::draft07().with_transform(WithoutNull);
    settings
        .into_generator()
        .into_root_schema_for::<RawConfig>()
}

/// TOML has no null: what is optional may only be absent.
#[derive(Debug, Clone)]
struct WithoutNull;

impl Transform for WithoutNull {
    fn transform(&mut self, schema: &mut Schema) {
        if let Some(Value::Array(types)) = schema.get_mut("type") {
            types.retain(|name| name != "null");
            if let [one] = types.as_slice() {
                let one = one.clone();
                schema.insert("type".to_owned(), one);
            }
        }
        if let Some(Value::Array(choices)) = schema.get_mut("anyOf") {
            choices.retain(|choice| choice["type"] != "null");
        }
        if schema.get("default").is_some_and(Value::is_null) {
            schema.remove("default");
        }
        transform_subschemas(self, schema);
    }
}
