//! Reads the table of bad input (`bad_input.txt`), for the test of the conversions and the test over HTTP.

use serde_json::{Value, json};

const TABLE: &str = include_str!("bad_input.txt");

/// One row.
pub struct Row {
    /// Line in the table.
    pub number: usize,
    /// Method of the request.
    pub method: &'static str,
    /// Its path.
    pub path: &'static str,
    /// Its body.
    pub body: Vec<u8>,
    /// Status of the answer.
    pub status: u16,
    /// Code of the answer.
    pub code: &'static str,
    /// Fields the answer names.
    pub fields: Vec<&'static str>,
}

/// One request as it would be right, and its rows.
pub struct Request {
    /// Method.
    pub method: &'static str,
    /// Path.
    pub path: &'static str,
    /// A good body.
    pub good: Vec<u8>,
    /// What can be wrong with it.
    pub rows: Vec<Row>,
}

/// The whole table.
pub fn table() -> Vec<Request> {
    let mut requests: Vec<Request> = Vec::new();
    let mut lines = (1..).zip(TABLE.lines()).filter(|(_, line)| !line.is_empty() && !line.starts_with('#'));
    while let Some((number, line)) = lines.next() {
        let Some((what, answer)) = line.split_once(" | ") else {
            let (method, path) = line.split_once(' ').expect("a request has a method and a path");
            let (_, good) = lines.next().expect("a request has a good body");
            requests.push(Request { method, path, good: good.as_bytes().to_vec(), rows: Vec::new() });
            continue;
        };
        let request = requests.last_mut().expect("a row belongs to a request");
        let mut answer = answer.split_whitespace();
        let mut next = || answer.next().expect("an answer has a status and a code");
        let (status, code) = (next().parse().expect("a status is a number"), next());
        let fields = answer.next().map(|fields| fields.split(',').collect()).unwrap_or_default();
        let body = changed(&request.good, what.trim());
        let Request { method, path, rows, .. } = request;
        rows.push(Row { number, method, path, body, status, code, fields });
    }
    requests
}

fn changed(good: &[u8], what: &str) -> Vec<u8> {
    if let Some(text) = what.strip_prefix("body ") {
        return match text.strip_prefix("deep*") {
            Some(depth) => "[".repeat(depth.parse().expect("a depth is a number")).into_bytes(),
            None => text.as_bytes().to_vec(),
        };
    }
    let mut body: Value = serde_json::from_slice(good).expect("the good body is JSON");
    let mut raw = Vec::new();
    for (number, change) in what.split(" & ").enumerate() {
        if let Some(field) = change.strip_prefix("- ") {
            let (parent, last) = field.rsplit_once('.').unwrap_or(("", field));
            place(&mut body, parent).as_object_mut().expect("fields are left out of objects").remove(last);
            continue;
        }
        let (field, value) = change.split_once(" = ").expect("a change sets a field");
        // What serde_json would not write as it stands (1e300, 20 digits) takes the place of a mark at the end.
        let mark = format!("@@{number}@@");
        match value.trim().split_once('*') {
            Some(("x", times)) => *place(&mut body, field) = "x".repeat(times.parse().expect("a number")).into(),
            Some(("[", times)) => {
                let list = place(&mut body, field);
                *list = vec![list[0].clone(); times.parse().expect("a number")].into();
            }
            _ => {
                *place(&mut body, field) = json!(mark);
                raw.push((format!("\"{mark}\""), value.trim().to_owned()));
            }
        }
    }
    raw.into_iter().fold(body.to_string(), |text, (mark, value)| text.replace(&mark, &value)).into_bytes()
}

/// The place that a path names, made when it is not there.
fn place<'a>(body: &'a mut Value, path: &str) -> &'a mut Value {
    let steps = path.split(['.', '[']).filter(|step| !step.is_empty());
    steps.fold(body, |at, step| match step.strip_suffix(']') {
        Some(number) => &mut at[number.parse::<usize>().expect("an entry has a number")],
        None => &mut at[step],
    })
}
