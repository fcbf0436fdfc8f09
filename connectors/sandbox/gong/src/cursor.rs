//! Cursors: HS256 tokens bound to the request they continue, alive from its first page on.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use ring::hmac;
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};
use sha2::{Digest, Sha256};

use crate::envelope::{PAGE, Refusal};

/// What a cursor says; the first five as in cursors of the vendor that people have published.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Claims {
    page_size: usize,
    total: usize,
    page_number: usize,
    exp: i64,
    user_id: u64,
    request: String,
}

/// One page of a list.
#[derive(Debug)]
pub(crate) struct Page<T> {
    pub(crate) items: Vec<T>,
    /// The `records` object.
    pub(crate) records: Json,
}

fn key() -> hmac::Key {
    hmac::Key::new(hmac::HMAC_SHA256, b"the sandbox's own cursor key")
}

/// What a cursor is bound to: the endpoint and every input but the cursor itself.
pub(crate) fn fingerprint(kind: &str, inputs: &Json) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(format!("{kind}:{inputs}")))
}

fn encode(claims: &Claims) -> String {
    let part = |value: &Json| URL_SAFE_NO_PAD.encode(value.to_string());
    let signed = format!("{}.{}", part(&json!({"alg": "HS256"})), part(&json!(claims)));
    let tag = hmac::sign(&key(), signed.as_bytes());
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(tag))
}

fn decode(text: &str) -> Option<Claims> {
    let (signed, tag) = text.rsplit_once('.')?;
    hmac::verify(&key(), signed.as_bytes(), &URL_SAFE_NO_PAD.decode(tag).ok()?).ok()?;
    let (_, claims) = signed.split_once('.')?;
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).ok()?).ok()
}

/// Whether the cursor is one of ours whose time is over.
pub(crate) fn is_expired(cursor: &str, now: i64) -> bool {
    decode(cursor).is_some_and(|claims| claims.exp <= now)
}

/// The page a cursor asks for, the first one without; `life` in seconds counts from the first page.
pub(crate) fn page<T>(
    all: Vec<T>,
    cursor: Option<&str>,
    request: &str,
    now: i64,
    life: i64,
) -> Result<Page<T>, Refusal> {
    let (number, exp) = match cursor {
        None => (0, now.saturating_add(life)),
        Some(text) => {
            let claims = decode(text).ok_or_else(|| Refusal::bad("cursor: is invalid"))?;
            if claims.exp <= now {
                return Err(Refusal::bad("cursor has expired"));
            }
            if claims.request != request {
                return Err(Refusal::bad("cursor: does not match the other inputs of the request"));
            }
            (claims.page_number, claims.exp)
        }
    };
    let total = all.len();
    let items: Vec<T> = all.into_iter().skip(number.saturating_mul(PAGE)).take(PAGE).collect();
    let mut records = json!({
        "totalRecords": total, "currentPageSize": items.len(), "currentPageNumber": number,
    });
    if number.saturating_add(1).saturating_mul(PAGE) < total
        && let Some(records) = records.as_object_mut()
    {
        let next = Claims {
            page_size: PAGE,
            total,
            page_number: number + 1,
            exp,
            user_id: 5_843_921_049_381_029_345,
            request: request.to_owned(),
        };
        records.insert("cursor".to_owned(), json!(encode(&next)));
    }
    Ok(Page { items, records })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn next(page: &Page<usize>) -> String {
        page.records["cursor"].as_str().unwrap().to_owned()
    }

    #[test]
    fn the_hour_counts_from_the_first_page() {
        let all: Vec<usize> = (0..250).collect();
        let first = page(all.clone(), None, "r", 1_000, 3_600).unwrap();
        assert_eq!((first.items.len(), first.records["totalRecords"].clone()), (100, json!(250)));
        let second = page(all.clone(), Some(&next(&first)), "r", 4_599, 3_600).unwrap();
        assert_eq!(second.items.first(), Some(&100));
        let third = next(&second);
        assert!(is_expired(&third, 4_600), "a new cursor does not extend it");
        assert_eq!(
            page(all, Some(&third), "r", 4_600, 3_600).unwrap_err(),
            Refusal::bad("cursor has expired")
        );
    }

    #[test]
    fn the_last_page_has_no_cursor() {
        let all: Vec<usize> = (0..200).collect();
        let first = page(all.clone(), None, "r", 0, 10).unwrap();
        let last = page(all, Some(&next(&first)), "r", 0, 10).unwrap();
        assert_eq!((last.items.len(), last.records.get("cursor")), (100, None));
    }

    #[test]
    fn a_cursor_of_another_request_or_a_forged_one_is_refused() {
        let all: Vec<usize> = (0..101).collect();
        let cursor = next(&page(all.clone(), None, "r", 0, 10).unwrap());
        assert_eq!(page(all.clone(), Some(&cursor), "other", 0, 10).unwrap_err().status, 400);
        let mut forged = cursor;
        forged.pop();
        assert_eq!(page(all, Some(&forged), "r", 0, 10).unwrap_err(), Refusal::bad("cursor: is invalid"));
    }
}
