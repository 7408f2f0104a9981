//! What is read off a request: parts of its path, its query, and a write's body with all that goes with it.
//!
//! A [`Write`] is read in the order that costs least: is there a seat, is it JSON, is it small, is it here in time, can
//! it be parsed, is every field right. The first that fails is the answer; the last tells all faults at once.

use std::sync::LazyLock;

use axum::extract::rejection::PathRejection;
use axum::extract::{FromRequest, FromRequestParts, Query, Request};
use axum::http::header::CONTENT_TYPE;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, Method, Uri};
use serde::de::DeserializeOwned;

use super::body;
use super::front::{Front, request_id};
use crate::api::json::Json;
use crate::api::problem::Problem;
use crate::api::reading::{self, Shape};
use crate::domain::command::{Context, IdempotencyKey};
use crate::domain::ids::Text;
use crate::pipeline::Refused;

/// Header by which a request is recognised when it comes again.
pub const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
/// Longest idempotency key, in bytes.
const KEY_BYTES_MAX: usize = 255;
/// Who asks, until there is authentication.
static ANONYMOUS: LazyLock<Text> = LazyLock::new(|| "anonymous".into());
/// Through what commands of the front come.
static SOURCE: LazyLock<Text> = LazyLock::new(|| "http".into());

/// Parts of the path, decoded.
pub struct Path<T>(pub T);

impl<T: DeserializeOwned + Send> FromRequestParts<Front> for Path<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, front: &Front) -> Result<Self, Problem> {
        let path = axum::extract::Path::<T>::from_request_parts(parts, front).await;
        let undecodable = |_: PathRejection| Problem::new("malformed_path", "the path is not percent-encoded UTF-8");
        path.map(|path| Self(path.0)).map_err(undecodable)
    }
}

/// Parameters of the query.
pub struct Params<T>(pub T);

impl<T: Shape> FromRequestParts<Front> for Params<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &Front) -> Result<Self, Problem> {
        Self::of(&parts.uri).map(Self)
    }
}

impl<T: Shape> Params<T> {
    /// The parameters in the query of an address.
    pub fn of(uri: &Uri) -> Result<T, Problem> {
        if uri.query().is_none() {
            return Self::read(Vec::new());
        }
        let Query(pairs) = Query::<Vec<(String, String)>>::try_from_uri(uri)
            .map_err(|_| Problem::new("malformed_query", "the query is not percent-encoded UTF-8"))?;
        Self::read(pairs)
    }

    fn read(pairs: Vec<(String, String)>) -> Result<T, Problem> {
        let bare = |(name, value): (String, String)| (name.into(), Json::Bare(value.into()));
        let object = Json::Object(pairs.into_iter().map(bare).collect());
        reading::read(&object).map_err(|faults| Problem::of_parameters(&faults))
    }
}

/// A body that only asks, without any change.
pub struct Ask<B>(pub B);

impl<B: Shape> FromRequest<Front> for Ask<B> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &Front) -> Result<Self, Problem> {
        let (parts, body) = request.into_parts();
        let bytes = json_bytes(&parts.headers, body).await?;
        shape::<B>(&bytes).map(|(body, _)| Self(body))
    }
}

/// A request that changes something.
pub struct Write<B> {
    /// Who asks, and how a repeat is recognised.
    pub context: Context,
    /// What the body says.
    pub body: B,
    /// Fingerprint of the body.
    pub fingerprint: u64,
}

/// A request that frees something or moves work on: it is let in when seats for new work are taken.
pub struct Urgent<B>(pub Write<B>);

impl<B: Shape> FromRequest<Front> for Write<B> {
    type Rejection = Problem;

    async fn from_request(request: Request, front: &Front) -> Result<Self, Problem> {
        front.journal().look_for_seat().map_err(Refused::from)?;
        write(request).await
    }
}

impl<B: Shape> FromRequest<Front> for Urgent<B> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &Front) -> Result<Self, Problem> {
        write(request).await.map(Self)
    }
}

async fn write<B: Shape>(request: Request) -> Result<Write<B>, Problem> {
    let (parts, body) = request.into_parts();
    let bytes = json_bytes(&parts.headers, body).await?;
    let (body, json) = shape(&bytes)?;
    // Only what can be recognised when it comes again is ever compared, and what is put with what it replaces.
    let is_named = parts.method == Method::PUT || json.names_itself();
    let can_repeat = is_named || parts.headers.contains_key(IDEMPOTENCY_KEY);
    let fingerprint = if can_repeat { json.fingerprint() } else { 0 };
    Ok(Write { context: context(&parts, fingerprint)?, body, fingerprint })
}

/// What a body says, and the body. No body at all says nothing, which may be enough.
fn shape<B: Shape>(bytes: &[u8]) -> Result<(B, Json<'_>), Problem> {
    if bytes.is_empty() {
        let nothing = Json::Object(Vec::new());
        let missing = |_| Problem::new("malformed_json", "the body is empty");
        return reading::read(&nothing).map(|body| (body, nothing)).map_err(missing);
    }
    let json = Json::parse(bytes)?;
    let body = reading::read(&json).map_err(|faults| Problem::of_faults(&faults))?;
    Ok((body, json))
}

async fn json_bytes(headers: &HeaderMap, body: axum::body::Body) -> Result<axum::body::Bytes, Problem> {
    use axum::body::HttpBody;
    if body.is_end_stream() {
        return Ok(axum::body::Bytes::new());
    }
    if !is_json(headers) {
        return Err(Problem::new("unsupported_media_type", "a body has the content type application/json"));
    }
    body::read(headers, body).await
}

fn is_json(headers: &HeaderMap) -> bool {
    let essence = media_type(headers);
    essence.eq_ignore_ascii_case("application/json") || essence.to_ascii_lowercase().ends_with("+json")
}

/// The media type of a body, without its parameters; empty when there is none.
pub fn media_type(headers: &HeaderMap) -> &str {
    let given = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    given.split(';').next().unwrap_or_default().trim()
}

/// Who asks, and how a repeat is recognised.
pub fn context(parts: &Parts, fingerprint: u64) -> Result<Context, Problem> {
    let key = match parts.method {
        Method::POST | Method::PATCH => {
            key(&parts.headers)?.map(|key| hashed(&parts.method, parts.uri.path(), &key, fingerprint))
        }
        _ => None,
    };
    Ok(Context { actor: ANONYMOUS.clone(), source: SOURCE.clone(), request_id: request_id(&parts.headers), key })
}

/// A key means the same only for the same caller, method and path.
fn hashed(method: &Method, path: &str, key: &[u8], fingerprint: u64) -> IdempotencyKey {
    let mut hasher = blake3::Hasher::new();
    for part in [ANONYMOUS.as_bytes(), method.as_str().as_bytes(), path.as_bytes(), key] {
        hasher.update(&(part.len() as u64).to_le_bytes());
        hasher.update(part);
    }
    IdempotencyKey { hash: first_16(&hasher), fingerprint }
}

/// The key of one part of a request that is carried out in parts.
pub fn part_of(key: IdempotencyKey, part: u64, fingerprint: u64) -> IdempotencyKey {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&key.hash.to_le_bytes());
    hasher.update(&part.to_le_bytes());
    IdempotencyKey { hash: first_16(&hasher), fingerprint }
}

fn first_16(hasher: &blake3::Hasher) -> u128 {
    let mut first = [0; 16];
    first.copy_from_slice(&hasher.finalize().as_bytes()[..16]);
    u128::from_le_bytes(first)
}

/// The idempotency key that was sent, bare or quoted.
fn key(headers: &HeaderMap) -> Result<Option<Vec<u8>>, Problem> {
    let bad = |detail: &str| Problem::new("invalid_idempotency_key", detail);
    let mut sent = headers.get_all(IDEMPOTENCY_KEY).iter();
    let Some(first) = sent.next() else { return Ok(None) };
    if sent.next().is_some() {
        return Err(bad("is sent more than once"));
    }
    let bytes = first.as_bytes();
    let key = match bytes {
        [b'"', inside @ .., b'"'] => unquoted(inside).ok_or_else(|| bad("is not a quoted string"))?,
        bare => bare.to_vec(),
    };
    let printable = key.iter().all(|byte| (0x20..0x7f).contains(byte));
    if key.is_empty() || key.len() > KEY_BYTES_MAX || !printable {
        return Err(bad("must be 1 to 255 printable ASCII characters"));
    }
    Ok(Some(key))
}

fn unquoted(inside: &[u8]) -> Option<Vec<u8>> {
    let mut key = Vec::with_capacity(inside.len());
    let mut bytes = inside.iter();
    while let Some(byte) = bytes.next() {
        match byte {
            b'\\' => key.push(*bytes.next().filter(|byte| matches!(byte, b'\\' | b'"'))?),
            b'"' => return None,
            byte => key.push(*byte),
        }
    }
    Some(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(values: &[&str]) -> Result<Option<Vec<u8>>, &'static str> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(IDEMPOTENCY_KEY, value.parse().unwrap());
        }
        key(&headers).map_err(|problem| problem.code)
    }

    #[test]
    fn a_key_is_the_same_bare_and_quoted() {
        assert_eq!(sent(&[]), Ok(None));
        assert_eq!(sent(&["abc-1"]), Ok(Some(b"abc-1".to_vec())));
        assert_eq!(sent(&["\"abc-1\""]), sent(&["abc-1"]));
        assert_eq!(sent(&[r#""a\"b\\c""#]), Ok(Some(br#"a"b\c"#.to_vec())));
        let long = "x".repeat(KEY_BYTES_MAX);
        assert_eq!(sent(&[&long]), Ok(Some(long.clone().into_bytes())));
        for bad in [&["\"\""][..], &["a", "b"], &[&format!("{long}x")], &[r#""a"b""#], &["\"a\\x\""]] {
            assert_eq!(sent(bad), Err("invalid_idempotency_key"), "{bad:?}");
        }
    }

    #[test]
    fn a_key_means_the_same_only_for_its_route() {
        let key = |path| hashed(&Method::POST, path, b"k", 1).hash;
        assert_eq!(key("/v1/orders"), key("/v1/orders"));
        assert_ne!(key("/v1/orders"), key("/v1/reservations"));
        assert_ne!(key("/v1/orders/a/cancellations"), key("/v1/orders/b/cancellations"));
    }
}
