//! How a value is spelt where it travels: base64, URL, hex, JSON.
//! Invariant: a form is what stands in the text whatever stands around it, in whole characters.
//! It must not know how forms are found.

/// Values above this many bytes (whole files) are looked for as they are and as JSON alone: their other forms
/// would cost megabytes.
const LONGEST_IN_EVERY_FORM: usize = 8 * 1024;

const STANDARD: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const URL_SAFE: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

const UPPER: &[u8; 16] = b"0123456789ABCDEF";
const LOWER: &[u8; 16] = b"0123456789abcdef";

/// What encoders leave as it is beside letters and digits: RFC 3986, `encodeURIComponent`, `encodeURI`, HTML
/// forms, and those who encode everything else.
const LEFT: [&[u8]; 5] = [b"-._~", b"-_.!~*'()", b";,/?:@&=+$-_.!~*'()#", b"*-._", b""];

/// A value in every form, itself among them; forms may come twice.
pub(super) fn forms(value: &str) -> Vec<Vec<u8>> {
    let mut forms = vec![value.to_owned()];
    forms.extend(json(value));
    if value.len() <= LONGEST_IN_EVERY_FORM {
        let bytes = value.as_bytes();
        for digits in [UPPER, LOWER] {
            forms.push(each(bytes, "%", digits));
            forms.extend(LEFT.map(|left| percent(bytes, left, digits)));
        }
        // HTML forms write a space as `+`.
        let with_plus: Vec<String> = forms
            .iter()
            .filter(|form| form.contains("%20"))
            .map(|form| form.replace("%20", "+"))
            .collect();
        forms.extend(with_plus);
    }
    let mut forms: Vec<Vec<u8>> = forms.into_iter().map(String::into_bytes).collect();
    forms.extend(breakable(value));
    forms
}

/// The forms of a value that encoders break over lines: base64 and hex. None holds a blank or a line break.
pub(super) fn breakable(value: &str) -> Vec<Vec<u8>> {
    let mut forms = Vec::new();
    if value.len() <= LONGEST_IN_EVERY_FORM {
        let bytes = value.as_bytes();
        for alphabet in [STANDARD, URL_SAFE] {
            forms.extend((0..3).map(|before| base64(bytes, before, alphabet).into_bytes()));
        }
        forms.extend([UPPER, LOWER].map(|digits| each(bytes, "", digits).into_bytes()));
    }
    forms
}

/// As a part of a JSON string: escaped as little as may be, with slashes escaped, safe for markup, in ASCII, and as
/// a part of a string within a string.
fn json(value: &str) -> [String; 5] {
    let plain = escaped(value);
    let slashes = plain.replace('/', r"\/");
    let markup = |character| matches!(character, '<' | '>' | '&');
    let safe = in_units(&plain, markup);
    let ascii = in_units(&plain, |character| !character.is_ascii());
    let twice = escaped(&plain);
    [plain, slashes, safe, ascii, twice]
}

/// With these characters as `\u` and four digits.
fn in_units(text: &str, is_escaped: impl Fn(char) -> bool) -> String {
    text.chars().fold(String::new(), |mut text, character| {
        if is_escaped(character) {
            for unit in character.encode_utf16(&mut [0; 2]) {
                text.push_str(r"\u");
                for byte in unit.to_be_bytes() {
                    push_hex(&mut text, byte, LOWER);
                }
            }
        } else {
            text.push(character);
        }
        text
    })
}

/// As JSON writes it within quotes.
fn escaped(value: &str) -> String {
    let quoted = serde_json::Value::from(value).to_string();
    quoted[1..quoted.len() - 1].to_owned()
}

/// The characters of base64 that `before` bytes in front of the value (and anything after it) cannot change. What
/// the first and last byte share with their neighbours, at most four bits each, is not covered.
fn base64(bytes: &[u8], before: usize, alphabet: &[u8; 64]) -> String {
    let first = (8 * before).div_ceil(6);
    let end = 8 * (before + bytes.len()) / 6;
    let sextet = |at: usize| {
        (6 * at..6 * at + 6).fold(0_usize, |value, bit| {
            let bit = bit - 8 * before;
            (value << 1) | usize::from((bytes[bit / 8] >> (7 - bit % 8)) & 1)
        })
    };
    (first..end)
        .map(|at| char::from(alphabet[sextet(at)]))
        .collect()
}

/// Every byte as two digits after `prefix`.
fn each(bytes: &[u8], prefix: &str, digits: &[u8; 16]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        text.push_str(prefix);
        push_hex(&mut text, *byte, digits);
        text
    })
}

/// As in a URL: letters, digits and `left` as they are.
fn percent(bytes: &[u8], left: &[u8], digits: &[u8; 16]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        if byte.is_ascii_alphanumeric() || left.contains(byte) {
            text.push(char::from(*byte));
        } else {
            text.push('%');
            push_hex(&mut text, *byte, digits);
        }
        text
    })
}

fn push_hex(text: &mut String, byte: u8, digits: &[u8; 16]) {
    for digit in [byte >> 4, byte & 0xf] {
        text.push(char::from(digits[usize::from(digit)]));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_known_in_its_forms() {
        let known: Vec<String> = forms("päss/\"w~rd 12345&")
            .into_iter()
            .map(|form| String::from_utf8(form).expect("text"))
            .collect();
        for expect in [
            "päss/\"w~rd 12345",
            r#"päss/\"w~rd 12345"#,
            r#"päss\/\"w~rd 12345"#,
            r#"päss/\"w~rd 12345\u0026"#,
            r#"p\u00e4ss/\"w~rd 12345"#,
            r#"päss/\\\"w~rd 12345"#,
            "cMOkc3MvInd+cmQgMTIzND",
            "cMOkc3MvInd-cmQgMTIzND",
            "DDpHNzLyJ3fnJkIDEyMzQ1",
            "ww6Rzcy8id35yZCAxMjM0N",
            "p%C3%A4ss%2F%22w~rd%2012345",
            "p%c3%a4ss%2f%22w~rd%2012345",
            "p%C3%A4ss/%22w~rd%2012345",
            "p%C3%A4ss%2F%22w%7Erd+12345",
            "%70%C3%A4%73%73%2F%22%77%7E%72%64%20%31%32%33%34%35",
            "70c3a473732f22777e72642031323334",
        ] {
            assert!(
                known.iter().any(|form| form.starts_with(expect)),
                "{expect} is not in {known:#?}"
            );
        }
    }

    #[test]
    fn whole_files_are_known_as_they_are() {
        let value = "x\n".repeat(LONGEST_IN_EVERY_FORM);
        let longest = forms(&value).iter().map(Vec::len).max();
        assert_eq!(longest, Some(value.len() / 2 * 4));
    }
}
