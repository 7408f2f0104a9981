//! `/v1/reservations`.

use axum::extract::State;
use axum::http::StatusCode;

use super::front::Front;
use super::reply::{Replied, ahead, found, made, replayed};
use super::request::{Path, Urgent, Write, part_of};
use crate::api::fulfillment::Nothing;
use crate::api::order_names::OrderNames;
use crate::api::problem::Problem;
use crate::api::reservation::{
    BatchAnswer, BatchEntry, NewReservation, OneOfMany, ReservationBatch, ReservationChange, ReservationJson,
};
use crate::domain::catalogue::Catalogue;
use crate::domain::command::{Command, Context, ReserveOne};
use crate::domain::ids::Text;
use crate::domain::record::Log;
use crate::domain::rejection::Rejection;
use crate::domain::reply::{Outcome, Reply};
use crate::pipeline::Refused;

/// Set units aside. All or nothing, unless `partial`.
#[utoipa::path(
    post, path = "/v1/reservations", tag = "reservations", request_body = NewReservation,
    responses((status = 201, body = ReservationJson)),
)]
pub async fn reserve(State(front): State<Front>, write: Write<NewReservation>) -> Replied {
    let done = front.pipeline().submit(write.context, write.body.command(write.fingerprint)).await?;
    Ok(made(&front, StatusCode::CREATED, done))
}

/// Make many reservations, each all or nothing, answered one by one.
#[utoipa::path(
    post, path = "/v1/reservations/batch", tag = "reservations", request_body = ReservationBatch,
    responses((status = 200, body = BatchAnswer)),
)]
pub async fn reserve_many(State(front): State<Front>, write: Write<ReservationBatch>) -> Replied {
    let Write { context, body, fingerprint: whole } = write;
    // The key of the whole is told apart by part; the record of several parts carries the keys of each.
    let (own, context) = (context.key, Context { key: None, ..context });
    let (mut wanted, mut places) = (Vec::with_capacity(body.reservations.len()), Vec::new());
    let mut faulty = Vec::new();
    for (at, OneOfMany { reservation, fingerprint }) in body.reservations.into_iter().enumerate() {
        match reservation {
            Ok(reservation) => {
                places.push(at);
                wanted.push(ReserveOne {
                    key: own.map(|key| part_of(key, at as u64, whole)),
                    reserve: reservation.reserve(fingerprint),
                });
            }
            Err(faults) => faulty.push((at, Problem::of_faults(&faults))),
        }
    }
    if wanted.iter().flat_map(|one| one.key).any(|key| front.engine().is_reused(key)) {
        return Err(Refused::Rejected(Rejection::KeyReused).into());
    }
    let answers = front.pipeline().reserve_many(&context, &wanted).await?.into_inner();
    let all_replayed = answers.iter().all(|answer| answer.as_ref().is_ok_and(|outcome| outcome.replayed));
    let now = front.journal().now().journal;
    let entry =
        |catalogue: &Catalogue, orders: &OrderNames<'_>, at: usize, answer: Result<Outcome, Refused>| match answer {
            Ok(Outcome { reply: Reply::Reservation(made), .. }) => {
                BatchEntry::made(ReservationJson::of(&made, catalogue, orders, now))
            }
            Ok(_) => unreachable!("who asks for a reservation is answered with one"),
            Err(refused) => BatchEntry::refused(&of_part(refused, at).into(), &context.request_id),
        };
    let mut items: Vec<BatchEntry> = front.named(|catalogue, orders| {
        places.iter().zip(answers).map(|(&at, answer)| entry(catalogue, orders, at, answer)).collect()
    });
    for (at, problem) in faulty {
        items.insert(at, BatchEntry::refused(&problem, &context.request_id));
    }
    let is_replayed = all_replayed && !places.is_empty();
    let response = ahead(&BatchAnswer { items });
    Ok(if is_replayed { replayed(response) } else { response })
}

/// Faults of one reservation of many name their place in the whole body.
fn of_part(refused: Refused, at: usize) -> Refused {
    match refused {
        Refused::Rejected(Rejection::Invalid(mut faults)) => {
            faults.iter_mut().for_each(|fault| fault.field = format!("reservations[{at}].{}", fault.field));
            Refused::Rejected(Rejection::Invalid(faults))
        }
        other => other,
    }
}

/// One reservation. Readable for 24 hours after its end.
#[utoipa::path(
    get, path = "/v1/reservations/{id}", tag = "reservations",
    params(("id" = String, Path)),
    responses((status = 200, body = ReservationJson)),
)]
pub async fn reservation(State(front): State<Front>, Path(id): Path<Text>) -> Replied {
    let reservation = front.engine().reservation(&id)?;
    let durable = front.journal().durable(reservation.seq, reservation).await?;
    let now = front.journal().now().journal;
    Ok(found(durable.map(|reservation| front.named(|c, orders| ReservationJson::of(&reservation, c, orders, now)))))
}

/// Extend, shrink or grow a reservation that is held.
#[utoipa::path(
    patch, path = "/v1/reservations/{id}", tag = "reservations", request_body = ReservationChange,
    params(("id" = String, Path)),
    responses((status = 200, body = ReservationJson)),
)]
pub async fn change_reservation(
    State(front): State<Front>,
    Path(id): Path<Text>,
    write: Write<ReservationChange>,
) -> Replied {
    let done = front.pipeline().submit(write.context, write.body.command(id)).await?;
    Ok(made(&front, StatusCode::OK, done))
}

/// Let a reservation go. A second time answers the same.
#[utoipa::path(
    delete, path = "/v1/reservations/{id}", tag = "reservations",
    params(("id" = String, Path)),
    responses((status = 200, body = ReservationJson)),
)]
pub async fn release(
    State(front): State<Front>,
    Path(reservation): Path<Text>,
    Urgent(write): Urgent<Nothing>,
) -> Replied {
    let done = front.pipeline().submit(write.context, Command::ReleaseReservation { reservation }).await?;
    Ok(made(&front, StatusCode::OK, done))
}
