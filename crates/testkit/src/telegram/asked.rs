//! A call as it came over the wire: parameters from a query, a form, JSON or multipart, all read alike.
//! Invariant: nothing a client sent is dropped: what cannot be read is named.
//! It must not know what any method does with a parameter.

use std::collections::BTreeMap;

use bytes::Bytes;
use serde_json::{Map, Value, json};

use super::multipart;
use super::refusal::Refusal;

/// The parameters and files of one call.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Asked {
    values: Map<String, Value>,
    files: BTreeMap<String, Upload>,
}

/// A file that was sent along.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Upload {
    /// Its name, as its sender says.
    pub(super) name: String,
    /// Its media type, as its sender says.
    pub(super) media_type: String,
    /// What is in it.
    pub(super) bytes: Bytes,
}

impl Asked {
    /// Reads the query and the body of a request.
    ///
    /// # Errors
    /// As the real server says it of a body that is not what its type says.
    pub(super) fn read(query: &str, content_type: &str, body: &Bytes) -> Result<Self, Refusal> {
        let mut asked = Self::default();
        asked.read_form(query.as_bytes());
        let (kind, _) = content_type.split_once(';').unwrap_or((content_type, ""));
        match kind.trim().to_ascii_lowercase().as_str() {
            "application/json" if body.is_empty() => {}
            "application/json" => match serde_json::from_slice(body) {
                Ok(Value::Object(values)) => asked.values.extend(values),
                Ok(_) => return Err(Refusal::bad("object expected as the request body")),
                Err(error) => return Err(Refusal::bad(format!("can't parse the body: {error}"))),
            },
            "application/x-www-form-urlencoded" => asked.read_form(body),
            "multipart/form-data" => {
                for part in multipart::parts(content_type, body).map_err(Refusal::bad)? {
                    asked.take_part(part)?;
                }
            }
            _ if body.is_empty() => {}
            other => {
                return Err(Refusal::bad(format!(
                    "unsupported content type \"{other}\""
                )));
            }
        }
        // An explicit null is as good as nothing.
        asked.values.retain(|_, value| !value.is_null());
        Ok(asked)
    }

    /// The names of all parameters, files included.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.values
            .keys()
            .chain(self.files.keys())
            .map(String::as_str)
    }

    /// Whether this is the name of a file that another parameter points at.
    pub(super) fn is_attachment(&self, name: &str) -> bool {
        let points_at = format!("attach://{name}");
        self.values
            .values()
            .any(|value| *value == points_at.as_str())
    }

    /// A text; empty if there is none.
    pub(super) fn text(&self, name: &str) -> String {
        match self.values.get(name) {
            Some(Value::String(text)) => text.clone(),
            Some(value) => value.to_string(),
            None => String::new(),
        }
    }

    /// A whole number, spelled as a number or as text.
    pub(super) fn integer(&self, name: &str) -> Option<i64> {
        match self.values.get(name)? {
            Value::String(text) => text.trim().parse().ok(),
            value => value.as_i64(),
        }
    }

    /// A flag.
    pub(super) fn flag(&self, name: &str) -> bool {
        matches!(
            self.text(name).to_ascii_lowercase().as_str(),
            "true" | "yes" | "1"
        )
    }

    /// An object or list, spelled as such or as JSON text.
    ///
    /// # Errors
    /// As the real server says it.
    pub(super) fn structure(&self, name: &str) -> Result<Option<Value>, Refusal> {
        match self.values.get(name) {
            None => Ok(None),
            Some(Value::String(text)) if text.is_empty() => Ok(None),
            Some(Value::String(text)) => serde_json::from_str(text)
                .map(Some)
                .map_err(|error| Refusal::bad(format!("can't parse {name} JSON object: {error}"))),
            Some(value) => Ok(Some(value.clone())),
        }
    }

    /// The file under this name, or the one it points at with `attach://`.
    pub(super) fn file(&self, name: &str) -> Option<&Upload> {
        let text = self.text(name);
        let attached = text.strip_prefix("attach://");
        self.files.get(attached.unwrap_or(name))
    }

    /// As the ledger keeps it: files by name and size.
    pub(super) fn ledger_value(&self) -> Value {
        let mut values = self.values.clone();
        for (name, file) in &self.files {
            let told = json!({
                "file": file.name,
                "media_type": file.media_type,
                "bytes": file.bytes.len(),
            });
            values.insert(name.clone(), told);
        }
        Value::Object(values)
    }

    fn read_form(&mut self, form: &[u8]) {
        for pair in form
            .split(|byte| *byte == b'&')
            .filter(|pair| !pair.is_empty())
        {
            let at = pair.iter().position(|byte| *byte == b'=');
            let (name, value) = pair.split_at(at.unwrap_or(pair.len()));
            let value = value.strip_prefix(b"=").unwrap_or_default();
            self.values
                .insert(unescaped(name), Value::String(unescaped(value)));
        }
    }

    fn take_part(&mut self, part: multipart::Part) -> Result<(), Refusal> {
        if let Some(file) = part.file_name {
            let upload = Upload {
                name: file,
                media_type: part
                    .content_type
                    .unwrap_or_else(|| "application/octet-stream".to_owned()),
                bytes: part.bytes,
            };
            self.files.insert(part.name, upload);
            return Ok(());
        }
        let text = String::from_utf8(part.bytes.to_vec())
            .map_err(|_| Refusal::bad("strings must be encoded in UTF-8"))?;
        self.values.insert(part.name, Value::String(text));
        Ok(())
    }
}

/// Text out of a form: `+` is a space, `%XX` a byte.
fn unescaped(text: &[u8]) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let [first, after @ ..] = rest {
        rest = after;
        let byte = match (*first, after) {
            (b'+', _) => b' ',
            (b'%', [high, low, after @ ..]) => match (digit(*high), digit(*low)) {
                (Some(high), Some(low)) => {
                    rest = after;
                    high << 4 | low
                }
                _ => b'%',
            },
            (byte, _) => byte,
        };
        bytes.push(byte);
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn digit(hex: u8) -> Option<u8> {
    char::from(hex)
        .to_digit(16)
        .and_then(|digit| u8::try_from(digit).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(content_type: &str, body: &str) -> Asked {
        let body = Bytes::from(body.to_owned());
        Asked::read("", content_type, &body).unwrap_or_default()
    }

    #[test]
    fn every_spelling_reads_alike() {
        let boundary = "multipart/form-data; boundary=b";
        let parts = "--b\r\nContent-Disposition: form-data; name=\"chat_id\"\r\n\r\n7\r\n\
                     --b\r\nContent-Disposition: form-data; name=\"text\"\r\n\r\na b\r\n--b--\r\n";
        for asked in [
            read(
                "application/json; charset=utf-8",
                r#"{"chat_id":7,"text":"a b","x":null}"#,
            ),
            read("application/x-www-form-urlencoded", "chat_id=7&text=a+%62"),
            read(boundary, parts),
        ] {
            assert_eq!(asked.integer("chat_id"), Some(7));
            assert_eq!(asked.text("text"), "a b");
            assert!(asked.names().all(|name| name != "x"));
        }
    }

    #[test]
    fn a_structure_may_be_text() {
        let asked = read("application/json", r#"{"a":[1],"b":"[1]","c":"{"}"#);
        assert_eq!(asked.structure("a"), Ok(Some(json!([1]))));
        assert_eq!(asked.structure("b"), Ok(Some(json!([1]))));
        assert!(asked.structure("c").is_err());
    }

    #[test]
    fn a_file_is_found_under_its_name_or_where_it_is_attached() {
        let parts = "--b\r\nContent-Disposition: form-data; name=\"document\"\r\n\r\n\
                     attach://f1\r\n--b\r\nContent-Disposition: form-data; name=\"f1\"; \
                     filename=\"a.txt\"\r\nContent-Type: text/plain\r\n\r\nhi\r\n--b--\r\n";
        let asked = read("multipart/form-data; boundary=b", parts);
        let file = asked
            .file("document")
            .map(|file| (file.name.as_str(), &file.bytes[..]));
        assert_eq!(file, Some(("a.txt", &b"hi"[..])));
    }
}
