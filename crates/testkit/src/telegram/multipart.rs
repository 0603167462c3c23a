//! Bodies of `multipart/form-data`, taken apart.
//! Invariant: strict: a body that does not end with its closing boundary is refused, since it was cut.
//! It must not know what the parts are for.

use bytes::Bytes;

/// One part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Part {
    /// Its name in the form.
    pub(super) name: String,
    /// The name of the file that it is; none if it is a plain value.
    pub(super) file_name: Option<String>,
    /// Its media type.
    pub(super) content_type: Option<String>,
    /// What is in it.
    pub(super) bytes: Bytes,
}

/// Takes a body apart.
///
/// # Errors
/// One sentence on what is wrong with it.
pub(super) fn parts(content_type: &str, body: &Bytes) -> Result<Vec<Part>, String> {
    let boundary = parameter(content_type, "boundary").ok_or("the boundary is missing")?;
    let opening = format!("--{boundary}");
    let delimiter = format!("\r\n--{boundary}");
    let mut at = opening.len();
    if !body.starts_with(opening.as_bytes()) {
        return Err("the body does not begin with its boundary".to_owned());
    }
    let mut parts = Vec::new();
    loop {
        let rest = body.get(at..).unwrap_or_default();
        if rest.starts_with(b"--") {
            return Ok(parts);
        }
        let Some(rest) = rest.strip_prefix(b"\r\n") else {
            return Err("a boundary is followed by no line break".to_owned());
        };
        at += 2;
        let head = find(rest, b"\r\n\r\n").ok_or("the head of a part does not end")?;
        let begin = at + head + 4;
        let length = find(body.get(begin..).unwrap_or_default(), delimiter.as_bytes())
            .ok_or("the closing boundary is missing")?;
        let headers = String::from_utf8_lossy(&rest[..head]).into_owned();
        parts.push(part(&headers, body.slice(begin..begin + length))?);
        at = begin + length + delimiter.len();
    }
}

fn part(headers: &str, bytes: Bytes) -> Result<Part, String> {
    let header = |wanted: &str| {
        headers.split("\r\n").find_map(|line| {
            let (name, value) = line.split_once(':')?;
            name.eq_ignore_ascii_case(wanted)
                .then(|| value.trim().to_owned())
        })
    };
    let disposition = header("content-disposition").ok_or("a part has no content-disposition")?;
    Ok(Part {
        name: parameter(&disposition, "name").ok_or("a part has no name")?,
        file_name: parameter(&disposition, "filename"),
        content_type: header("content-type"),
        bytes,
    })
}

/// A parameter of a header's value: `form-data; name="x"`.
fn parameter(value: &str, wanted: &str) -> Option<String> {
    value.split(';').skip(1).find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        name.trim()
            .eq_ignore_ascii_case(wanted)
            .then(|| value.trim().trim_matches('"').to_owned())
    })
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack
        .windows(needle.len())
        .position(|window| window == needle)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(body: &str) -> Result<Vec<(String, usize)>, String> {
        let body = Bytes::from(body.to_owned());
        let parts = parts("multipart/form-data; boundary=\"x\"", &body)?;
        Ok(parts
            .into_iter()
            .map(|part| (part.name, part.bytes.len()))
            .collect())
    }

    #[test]
    fn parts_keep_their_bytes_exactly() {
        let body = "--x\r\ncontent-disposition: form-data; name=\"a\"\r\n\r\n\r\n--y\r\n\r\n\
                    --x\r\nContent-Disposition: form-data; name=b\r\n\r\n\r\n--x--\r\n";
        assert_eq!(
            check(body),
            Ok(vec![
                ("a".to_owned(), "\r\n--y\r\n".len()),
                ("b".to_owned(), 0)
            ])
        );
    }

    #[test]
    fn a_cut_body_is_refused() {
        let cut = "--x\r\ncontent-disposition: form-data; name=\"a\"\r\n\r\nabc\r\n--";
        assert_eq!(
            check(cut),
            Err("the closing boundary is missing".to_owned())
        );
    }
}
