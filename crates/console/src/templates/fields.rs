//! The fields of the editor, and the template that they make.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

/// The fields as a form sends them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Fields {
    /// The key set as a source, `set://NAME`. Empty leaves the keys as they are.
    pub keys: String,
    /// How long tokens live.
    pub ttl: String,
    /// Whom they are for, with blanks between several.
    pub audience: String,
    /// Which id is the subject.
    pub subject_source: String,
    /// Who issues them.
    pub issuer: String,
    /// Their type.
    pub typ: String,
    /// The algorithm that the keys must have.
    pub algorithm: String,
    /// How much earlier they are good.
    pub nbf_leeway: String,
    /// Whether they end with their session.
    #[serde(deserialize_with = "checked")]
    pub cap_to_session: bool,
    /// Whether this server takes them as bearer.
    #[serde(deserialize_with = "checked")]
    pub bearer: bool,
    /// Whether they have a place in the status lists.
    #[serde(deserialize_with = "checked")]
    pub status_list: bool,
    /// The mapper as text.
    pub mapper: String,
}

/// A box that is not checked is not sent, whatever stands in one that is.
fn checked<'de, D: Deserializer<'de>>(value: D) -> Result<bool, D::Error> {
    String::deserialize(value).map(|_| true)
}

/// A field with a text.
type TextField = fn(&Fields) -> &str;

/// A field with a yes or no.
type Flag = fn(&Fields) -> bool;

/// The members that are texts, with the fields for them.
const TEXTS: [(&str, TextField); 6] = [
    ("ttl", |fields| &fields.ttl),
    ("subject_source", |fields| &fields.subject_source),
    ("issuer", |fields| &fields.issuer),
    ("typ", |fields| &fields.typ),
    ("algorithm", |fields| &fields.algorithm),
    ("nbf_leeway", |fields| &fields.nbf_leeway),
];

/// The members that are yes or no, with the fields for them.
const FLAGS: [(&str, Flag); 3] = [
    ("cap_to_session", |fields| fields.cap_to_session),
    ("bearer", |fields| fields.bearer),
    ("status_list", |fields| fields.status_list),
];

impl Fields {
    /// The fields of a template whose mapper is this text.
    pub fn of(template: &Value, mapper: &str) -> Self {
        let text = |name: &str| template.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        let flag = |name: &str| template.get(name).and_then(Value::as_bool).unwrap_or_default();
        let keys = text("jwks_url");
        Self {
            keys: if keys.starts_with("set://") { keys } else { String::new() },
            ttl: text("ttl"),
            audience: audience(template),
            subject_source: text("subject_source"),
            issuer: text("issuer"),
            typ: text("typ"),
            algorithm: text("algorithm"),
            nbf_leeway: text("nbf_leeway"),
            cap_to_session: flag("cap_to_session"),
            bearer: flag("bearer"),
            status_list: flag("status_list"),
            mapper: mapper.to_owned(),
        }
    }

    /// The template that these fields make of another one, whose mapper is this text. What is shown in no other way than
    /// before stays as it was written.
    pub fn over(&self, template: &Value, mapper: &str) -> Value {
        let before = Self::of(template, mapper);
        let mut members = template.as_object().cloned().unwrap_or_default();
        if !self.keys.is_empty() {
            members.insert("jwks_url".into(), self.keys.as_str().into());
        }
        for (name, field) in TEXTS {
            if field(self) != field(&before) {
                put(&mut members, name, text(field(self).trim()));
            }
        }
        for (name, field) in FLAGS {
            if field(self) != field(&before) {
                put(&mut members, name, field(self).then_some(Value::Bool(true)));
            }
        }
        if self.audience != before.audience {
            let mut who: Vec<Value> = self.audience.split_whitespace().map(Value::from).collect();
            let audience = if who.len() > 1 { Some(Value::Array(who)) } else { who.pop() };
            put(&mut members, "audience", audience);
        }
        let own = self.mapper.replace("\r\n", "\n");
        if own.trim_end() != mapper.replace("\r\n", "\n").trim_end() {
            let source = format!("base64://{}", STANDARD.encode(&own));
            put(&mut members, "claims_mapper_url", text(own.trim()).map(|_| source.into()));
        }
        Value::Object(members)
    }
}

fn text(text: &str) -> Option<Value> {
    Some(text).filter(|text| !text.is_empty()).map(Value::from)
}

fn put(members: &mut Map<String, Value>, name: &str, value: Option<Value>) {
    match value {
        Some(value) => {
            members.insert(name.to_owned(), value);
        }
        None => {
            members.shift_remove(name);
        }
    }
}

/// The audience of a template as one text.
fn audience(template: &Value) -> String {
    match template.get("audience") {
        Some(Value::Array(who)) => who.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" "),
        Some(Value::String(one)) => one.clone(),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_nobody_touched_stays_as_it_was_written() {
        for template in [
            json!({"jwks_url": "base64://e30=", "claims_mapper_url": "file:///m.jsonnet", "audience": ["a"]}),
            json!({"jwks_url": "set://k", "ttl": "600s", "bearer": false, "audience": "a"}),
            json!({"unknown": 1}),
        ] {
            let fields = Fields::of(&template, "{\n  claims: {},\n}\n");
            assert_eq!(fields.over(&template, "{\n  claims: {},\n}\n"), template);
            let sent = Fields { mapper: "{\r\n  claims: {},\r\n}".into(), ..fields };
            assert_eq!(sent.over(&template, "{\n  claims: {},\n}\n"), template, "as browsers send it");
        }
    }

    #[test]
    fn what_is_typed_becomes_a_member_and_what_is_emptied_goes() {
        let template = json!({"jwks_url": "base64://e30=", "ttl": "1m", "claims_mapper_url": "file:///m", "bearer": true});
        let fields = Fields {
            keys: "set://k".into(),
            audience: " a  b ".into(),
            typ: "at+jwt".into(),
            status_list: true,
            ..Fields::default()
        };
        let expected =
            json!({"jwks_url": "set://k", "audience": ["a", "b"], "typ": "at+jwt", "status_list": true});
        assert_eq!(fields.over(&template, "{ claims: {} }"), expected);
        let mapper =
            Fields { mapper: "{ claims: { a: 1 } }".into(), audience: "a".into(), ..Fields::default() };
        let made = mapper.over(&json!({}), "");
        assert_eq!(
            made,
            json!({"audience": "a", "claims_mapper_url": "base64://eyBjbGFpbXM6IHsgYTogMSB9IH0="})
        );
    }
}
