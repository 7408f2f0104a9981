//! `/v1/import/{kind}`: many lines in one request, streamed.
//!
//! ```text
//! body ─pieces─► a thread reads lines or rows and makes commands ─lines─► carried out, in order, answered in order
//! ```
//! Lines are carried out in their order, so an item may be followed by the kit that needs it. A bad line stops nothing
//! unless `strict`; then lines go one by one and the first bad one ends it. Good lines stay either way. The report
//! comes at the end.
//!
//! Bounds: [`IMPORTS_MAX`] imports at once, [`lines::LINE_BYTES_MAX`] a line, [`LINES_IN_FLIGHT`] lines waiting for the disk;
//! the body as a whole has no bound but has to keep coming ([`SILENCE_MAX`]).

mod lines;

use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::HeaderMap;
use futures_util::{StreamExt, stream};
use http_body_util::BodyExt;
use tokio::sync::mpsc;
use tokio::time::{sleep, timeout};

use self::lines::{Format, Line, Pieces};
use super::body::drain;
use super::front::{Front, IMPORTS_MAX};
use super::reply::{Replied, ahead};
use super::request::{Params, Path, context, media_type};
use crate::api::import::{ImportKind, ImportParams, ImportReport};
use crate::api::problem::Problem;
use crate::domain::command::{Command, Context};
use crate::domain::rejection::{Fault, Rejection};
use crate::pipeline::Refused;

/// Lines of one import that wait for the disk at the same time.
const LINES_IN_FLIGHT: usize = 256;
/// Pieces of a body that are read ahead.
const PIECES_AHEAD: usize = 16;
/// Longest silence of a body.
const SILENCE_MAX: Duration = Duration::from_secs(30);
/// How often a line is tried again when too much is in flight, and after which pause.
const TRIES: u32 = 500;
const PAUSE: Duration = Duration::from_millis(10);
/// What a path may name.
const IMPORTABLE: &str =
    "items, nodes, stock, orders, history, address_formats, carriers, calendars and zones can be imported";

/// Import items, nodes, stock, orders, orders that have ended (`history`) or how addresses are written
/// (`address_formats`), carriers, calendars or zones, one per line: NDJSON or CSV, by the content type.
#[utoipa::path(
    post, path = "/v1/import/{kind}", tag = "imports",
    params(("kind" = String, Path, description = "items, nodes, stock, orders, history, address_formats, carriers, calendars or zones"), ImportParams),
    request_body(content((String = "application/x-ndjson"), (String = "text/csv"))),
    responses((status = 200, body = ImportReport)),
)]
pub async fn import(
    State(front): State<Front>,
    Path(kind): Path<String>,
    Params(asked): Params<ImportParams>,
    request: Request,
) -> Replied {
    let kind = ImportKind::of_word(&kind).ok_or_else(|| Problem::new("route_not_found", IMPORTABLE))?;
    let (parts, mut body) = request.into_parts();
    let format = format(&parts.headers)?;
    let Ok(_permit) = front.imports().try_acquire() else {
        return Err(Problem::new("busy", format!("{IMPORTS_MAX} imports are under way")));
    };
    let context = Context { key: None, ..context(&parts, 0)? };
    let (pieces, arriving) = mpsc::channel(PIECES_AHEAD);
    let (made, lines) = mpsc::channel(LINES_IN_FLIGHT);
    tokio::task::spawn_blocking(move || {
        format.read(kind, Pieces::new(arriving), |line| made.blocking_send(line).is_ok())
    });
    let strict = asked.strict.unwrap_or(false);
    let (ended, report) = tokio::join!(send_on(&mut body, pieces), take_in(&front, &context, lines, strict));
    drain(&mut body).await;
    ended?;
    Ok(ahead(&report))
}

fn format(headers: &HeaderMap) -> Result<Format, Problem> {
    match media_type(headers).to_ascii_lowercase().as_str() {
        "application/x-ndjson" | "application/ndjson" | "application/jsonl" => Ok(Format::Ndjson),
        "text/csv" => Ok(Format::Csv),
        _ => Err(Problem::new("unsupported_media_type", "an import is application/x-ndjson or text/csv")),
    }
}

/// Hands the body on, piece by piece, until it ends or nobody wants more.
async fn send_on(body: &mut Body, pieces: mpsc::Sender<Bytes>) -> Result<(), Problem> {
    loop {
        match timeout(SILENCE_MAX, body.frame()).await {
            Err(_) => {
                return Err(Problem::new("body_timeout", "the import fell silent; what came before was taken in"));
            }
            Ok(None) => return Ok(()),
            Ok(Some(Err(_))) => {
                return Err(Problem::new("body_unreadable", "the import broke off; what came before was taken in"));
            }
            Ok(Some(Ok(frame))) => {
                let Ok(piece) = frame.into_data() else { continue };
                if pieces.send(piece).await.is_err() {
                    return Ok(());
                }
            }
        }
    }
}

/// Carries lines out in their order and tells what became of them.
async fn take_in(front: &Front, context: &Context, mut lines: mpsc::Receiver<Line>, strict: bool) -> ImportReport {
    let mut report = ImportReport::default();
    let arriving = stream::poll_fn(|waker| lines.poll_recv(waker));
    let in_flight = if strict { 1 } else { LINES_IN_FLIGHT };
    let mut answers = std::pin::pin!(arriving.map(|line| carry_out(front, context, line)).buffered(in_flight));
    while let Some((number, answer)) = answers.next().await {
        let Err(problem) = answer else {
            report.accepted += 1;
            continue;
        };
        report.refuse(number, &problem);
        if strict {
            report.stopped_at = Some(number);
            break;
        }
    }
    report
}

async fn carry_out(front: &Front, context: &Context, line: Line) -> (u64, Result<(), Problem>) {
    let answer = match line.command {
        Ok(command) => submit(front, context, command).await,
        Err(problem) => Err(problem),
    };
    (line.number, answer)
}

/// Carries one line out; waits when too much is in flight.
async fn submit(front: &Front, context: &Context, command: Command) -> Result<(), Problem> {
    let mut tries = 1;
    loop {
        match front.pipeline().submit(context.clone(), command.clone()).await {
            Err(Refused::Busy) if tries < TRIES => sleep(PAUSE).await,
            Err(Refused::Rejected(Rejection::NotFound { kind, id })) => return Err(unknown(kind, &id)),
            answer => return Ok(answer.map(drop)?),
        }
        tries += 1;
    }
}

/// What stands in the path of a single request stands in a field of a line.
fn unknown(kind: &str, id: &str) -> Problem {
    let fault = match kind {
        "node" => Fault::new("node", "unknown_node", format!("there is no node {id:?}")),
        _ => Fault::new("sku", "unknown_sku", format!("there is no item {id:?}")),
    };
    Problem::of_faults(&[fault])
}
