//! The front, as a client meets it: every route of a shop's life, everything that can be wrong with a request, repeats,
//! imports, the live feed, and the document that describes it all.

use std::io::{BufRead, BufReader, Read, Write};

use ordain::api::problem::CODES;
use ordain::journal::Options;
use serde_json::{Value, json};

use crate::bad_input;
use crate::served::{Answer, Served, answer};

fn node(active: bool, latitude: f64, longitude: f64) -> Value {
    json!({
        "kind": "warehouse", "name": "A warehouse", "latitude": latitude, "longitude": longitude, "country": "US",
        "postal_code": "60601", "time_zone": "America/Chicago", "active": active,
    })
}

fn item(name: &str) -> Value {
    json!({
        "name": name, "kind": "product", "weight_g": 350, "value": {"amount": 1250, "currency": "USD"},
        "dimensions_mm": {"length": 100, "width": 80, "height": 90},
    })
}

fn received(sku: &str, node: &str, units: u32) -> Value {
    json!({"adjustments": [{"sku": sku, "node": node, "delta": units, "reason": "received"}]})
}

fn order(id: &str, sku: &str, quantity: u32) -> Value {
    json!({
        "type": "standard", "channel": "web", "channel_order_id": id,
        "customer": {"id": "c-1", "name": "Customer", "email": "customer@example.org"},
        "ship_to": {
            "name": "Customer", "line1": "1 Main St", "city": "Chicago", "region": "IL", "postal_code": "60601",
            "country": "US", "latitude": 41.8781, "longitude": -87.6298,
        },
        "lines": [{"sku": sku, "quantity": quantity, "unit_price": {"amount": 1999, "currency": "USD"}}],
        "delivery_method": "ship",
    })
}

fn reservation(sku: &str, quantity: u32) -> Value {
    json!({"owner": "cart-81", "ttl_s": 600, "lines": [{"sku": sku, "quantity": quantity}]})
}

/// A shop with two nodes, one item whose sku holds a blank and a slash, and ten units of it.
fn shop(server: &Served) {
    assert_eq!(server.ask("PUT", "/v1/nodes/chi", &node(true, 41.9, -87.6)).status, 201);
    assert_eq!(server.ask("PUT", "/v1/nodes/nyc", &node(true, 40.7, -74.0)).status, 201);
    assert_eq!(server.ask("PUT", "/v1/items/A%20%2F1", &item("Mug")).status, 201);
    server.done("POST", "/v1/stock/adjustments", &received("A /1", "chi", 6));
    server.done("POST", "/v1/stock/adjustments", &received("A /1", "nyc", 4));
}

fn served(test: impl FnOnce(&Served)) {
    let dir = tempfile::tempdir().expect("a directory");
    let server = Served::start(dir.path());
    test(&server);
    server.stop();
}

#[test]
fn catalogue_and_stock_are_put_changed_and_read() {
    served(|server| {
        shop(server);
        let put = server.ask("PUT", "/v1/nodes/chi", &node(true, 41.88, -87.63));
        assert_eq!((put.status, put.json()["latitude"].as_f64()), (200, Some(41.88)));
        let off = server.done("PATCH", "/v1/nodes/nyc", &json!({"active": false, "inactive_reason": "flood"}));
        assert_eq!((&off["active"], &off["inactive_reason"]), (&json!(false), &json!("flood")));
        assert_eq!(server.get("/v1/atp/A%20%2F1").json()["available"], 6);
        server.done("PATCH", "/v1/nodes/nyc", &json!({"active": true}));
        assert_eq!(server.get("/v1/atp/A%20%2F1").json()["available"], 10);
        assert_eq!(server.get("/v1/atp/A%20%2F1?node=nyc").json()["available"], 4);
        let many = server.done("POST", "/v1/atp", &json!({"skus": ["A /1", "A /1"]}));
        assert_eq!(many["items"][1]["available"], 10);

        let nodes = server.get("/v1/nodes?limit=2").json();
        assert_eq!((&nodes["items"][0]["kind"], &nodes["items"][1]["id"]), (&json!("virtual"), &json!("chi")));
        let cursor = nodes["next_cursor"].as_str().expect("there is a second page");
        let rest = server.get(&format!("/v1/nodes?limit=2&cursor={cursor}")).json();
        assert_eq!((&rest["items"][0]["id"], &rest["next_cursor"]), (&json!("nyc"), &Value::Null));
        assert_eq!(server.get("/v1/items/A%20%2F1").json()["name"], "Mug");

        let moved = server.done(
            "POST",
            "/v1/stock/moves",
            &json!({"moves": [{"sku": "A /1", "node": "chi", "from": "available", "to": "damaged", "quantity": 2}]}),
        );
        assert_eq!((&moved["levels"][0]["available"], &moved["levels"][0]["damaged"]), (&json!(4), &json!(2)));
        let stale = server.ask("PUT", "/v1/stock/A%20%2F1/chi", &json!({"on_hand": 9, "expected": 5}));
        assert_eq!((stale.status, stale.code(), &stale.json()["on_hand"]), (409, "stale_level".into(), &json!(6)));
        server.done("PUT", "/v1/stock/A%20%2F1/chi", &json!({"on_hand": 9, "expected": 6}));
        let stock = server.get("/v1/stock/A%20%2F1").json();
        assert_eq!((&stock["total"]["on_hand"], &stock["total"]["available"]), (&json!(13), &json!(11)));
        assert_eq!(server.get("/v1/rule-sets/default").json()["version"], 1);
        assert_eq!(server.get("/v1/rule-sets").json()["items"][0]["unfilled"], "last_resort");
    });
}

#[test]
fn a_reservation_is_held_changed_claimed_and_released() {
    served(|server| {
        shop(server);
        let made = server.ask("POST", "/v1/reservations", &reservation("A /1", 3));
        let (status, made) = (made.status, made.json());
        assert_eq!((status, &made["state"], &made["owner"]), (201, &json!("held"), &json!("cart-81")));
        let path = format!("/v1/reservations/{}", made["id"].as_str().expect("an id"));
        assert_eq!(server.get(&path).json(), made);
        assert_eq!(server.get("/v1/atp/A%20%2F1").json()["available"], 7);

        let more = server.ask("POST", "/v1/reservations", &reservation("A /1", 8));
        let problem = more.json();
        assert_eq!((more.status, more.code()), (409, "insufficient_stock".into()));
        assert_eq!(
            (&problem["sku"], &problem["requested"], &problem["available"]),
            (&json!("A /1"), &json!(8), &json!(7))
        );
        assert_eq!(more.header("content-type"), Some("application/problem+json"));

        let shrunk = server.done("PATCH", &path, &json!({"lines": [{"sku": "A /1", "quantity": 1}]}));
        assert_eq!(shrunk["lines"][0]["quantity"], 1);
        for _ in 0..2 {
            assert_eq!(server.send("DELETE", &path, "", b"").json()["state"], "released");
        }
        assert_eq!(server.get("/v1/atp/A%20%2F1").json()["available"], 10);

        let batch = json!({"reservations": [
            reservation("A /1", 10), reservation("A /1", 1), {"owner": "x"}, reservation("none", 1),
        ]});
        let items = server.done("POST", "/v1/reservations/batch", &batch)["items"].clone();
        let told: Vec<_> =
            items.as_array().expect("a list").iter().map(|one| (&one["status"], &one["problem"]["code"])).collect();
        let (null, status) = (Value::Null, [json!(201), json!(409), json!(422), json!(422)]);
        let codes = [null, json!("insufficient_stock"), json!("validation_failed"), json!("unknown_sku")];
        assert_eq!(told, status.iter().zip(&codes).collect::<Vec<_>>());
        assert_eq!(items[2]["problem"]["errors"][0]["field"], "reservations[2].ttl_s");
        assert_eq!(items[3]["problem"]["field"], "reservations[3].lines[0].sku");

        let send = |batch: &Value| {
            server.send(
                "POST",
                "/v1/reservations/batch",
                "idempotency-key: basket-7\r\ncontent-type: application/json\r\n",
                batch.to_string().as_bytes(),
            )
        };
        server.done("POST", "/v1/stock/adjustments", &received("A /1", "chi", 2));
        let one = json!({"reservations": [reservation("A /1", 1)]});
        let more = json!({"reservations": [reservation("A /1", 1), reservation("A /1", 1)]});
        let made = send(&one);
        assert_eq!((made.status, made.header("idempotent-replayed")), (200, None));
        let again = send(&one);
        assert_eq!((again.header("idempotent-replayed"), again.json()), (Some("true"), made.json()));
        assert_eq!(send(&more).code(), "idempotency_key_reused");
        assert_eq!(server.get("/v1/atp/A%20%2F1").json()["available"], 1);

        let held = items[0]["reservation"]["id"].clone();
        let mut claim = order("1", "A /1", 10);
        claim["reservation"] = held.clone();
        let claimed = server.done("POST", "/v1/orders", &claim);
        assert_eq!(claimed["status"], "fully_allocated");
        let path = format!("/v1/reservations/{}", held.as_str().expect("an id"));
        assert_eq!(server.get(&path).json()["state"], "claimed");
        assert_eq!(server.send("DELETE", &path, "", b"").status, 409);
    });
}

#[test]
fn an_order_goes_its_way_to_the_customer() {
    served(|server| {
        shop(server);
        let quote = server.done("POST", "/v1/promises", &order("1", "A /1", 8))["decision"].clone();
        assert_eq!(server.get("/v1/atp/A%20%2F1").json()["available"], 10);
        let placed = server.done("POST", "/v1/orders", &order("1", "A /1", 8));
        assert_eq!(placed["decision"]["cost"], quote["cost"]);
        assert_eq!((&placed["status"], &placed["version"]), (&json!("fully_allocated"), &json!(1)));
        assert_eq!(placed["customer"]["name"], "Customer");
        assert_eq!((&placed["ship_to"]["latitude"], &placed["ship_to"]["city"]), (&json!(41.8781), &json!("Chicago")));
        assert_eq!(placed["lines"][0]["buckets"]["allocated"], 8);
        let sent = placed["fulfillment_orders"].as_array().expect("a list").clone();
        assert_eq!(sent.len(), 2);

        let id = placed["id"].as_str().expect("an id");
        let first = format!("/v1/fulfillment-orders/{}", sent[0]["id"].as_str().expect("an id"));
        let step = |verb: &str, body: Value| server.ask("POST", &format!("{first}/{verb}"), &body);
        let early = step("pack", json!({}));
        assert_eq!((early.status, early.code()), (409, "illegal_transition".into()));
        assert_eq!(early.json()["legal"], json!(["accept", "reject", "cancel", "move", "split", "merge"]));
        assert_eq!(server.send("POST", &format!("{first}/accept"), "", b"").json()["status"], "accepted");
        assert_eq!(step("pick", json!({})).json()["status"], "picked");
        assert_eq!(step("pack", json!({})).json()["status"], "packed");
        let shipment = json!({"carrier": "ups", "service": "ground", "tracking_number": "1Z 999"});
        assert_eq!(step("ship", shipment.clone()).json()["shipment"], shipment);
        assert_eq!(step("deliver", json!({})).json()["status"], "delivered");

        let path = format!("/v1/orders/{id}/cancellations");
        let cancelled = server.done("POST", &path, &json!({"reason": "changed my mind"}));
        assert_eq!(cancelled["status"], "fulfilled");
        let read = server.get(&format!("/v1/orders/{id}")).json();
        assert_eq!((&read["version"], &read["lines"]), (&cancelled["version"], &cancelled["lines"]));
        assert!(read["milestones"]["shipped"].is_string());
        let story = server.get(&format!("/v1/orders/{id}/history")).json();
        let told: Vec<_> = story["items"].as_array().expect("a list").iter().map(|one| one["type"].clone()).collect();
        assert_eq!(told[..2], [json!("placed"), json!("accepted")]);
        assert_eq!(told.last(), Some(&json!("cancelled")));
        let page = |query: &str| server.get(&format!("/v1/orders/{id}/history?limit=2{query}")).json();
        let (first, mut paged, mut cursor) = (page(""), Vec::new(), Value::Null);
        for at in 0..told.len().div_ceil(2) {
            let next =
                if at == 0 { first.clone() } else { page(&format!("&cursor={}", cursor.as_str().expect("more"))) };
            paged.extend(next["items"].as_array().expect("a list").clone());
            cursor = next["next_cursor"].clone();
        }
        assert_eq!((json!(paged), cursor), (story["items"].clone(), Value::Null), "page by page it is the same");
        let decision = server.get(&format!("/v1/orders/{id}/decision")).json();
        assert_eq!((&decision["rule_set"], &decision["optimal"]), (&json!("default"), &json!(true)));
    });
}

#[test]
fn orders_and_fulfilment_orders_are_listed() {
    served(|server| {
        shop(server);
        for id in ["1", "2", "3"] {
            server.done("POST", "/v1/orders", &order(id, "A /1", 2));
        }
        let list = |query: &str| server.get(&format!("/v1/orders{query}")).json();
        let ids = |list: &Value| -> Vec<String> {
            let orders = list["items"].as_array().expect("a list").iter();
            orders.map(|order| order["channel_order_id"].as_str().unwrap_or_default().to_owned()).collect()
        };
        assert_eq!(ids(&list("")), ["3", "2", "1"]);
        assert!(list("")["items"][0]["decision"].is_null());
        let first = list("?limit=2");
        assert_eq!(ids(&first), ["3", "2"]);
        let rest = list(&format!("?limit=2&cursor={}", first["next_cursor"].as_str().expect("a second page")));
        assert_eq!(ids(&rest), ["1"]);
        assert_eq!(ids(&list("?status=fully_allocated&channel=web&customer=c-1&sku=A%20%2F1")).len(), 3);
        for none in ["?status=cancelled", "?channel=shop", "?sku=none", "?until=2020-01-01T00:00:00Z", "?q=zzz"] {
            assert!(ids(&list(none)).is_empty(), "{none}");
        }
        let at_chi = server.get("/v1/fulfillment-orders?node=chi&status=submitted&limit=2").json();
        assert_eq!(at_chi["items"].as_array().map(Vec::len), Some(2));
        let cursor = at_chi["next_cursor"].as_str().expect("a second page");
        let rest = server.get(&format!("/v1/fulfillment-orders?node=chi&status=submitted&cursor={cursor}")).json();
        assert_eq!(rest["items"].as_array().map(Vec::len), Some(1));
        assert_eq!(server.get("/v1/fulfillment-orders?node=nowhere").json()["items"], json!([]));
    });
}

#[test]
fn every_row_of_bad_input_is_refused_and_changes_nothing() {
    served(|server| {
        shop(server);
        let before = server.ordain.journal().last_seq();
        for row in bad_input::table().into_iter().flat_map(|request| request.rows) {
            let answer = server.send(row.method, row.path, "content-type: application/json\r\n", &row.body);
            let told = (answer.status, answer.code());
            assert_eq!(told, (row.status, row.code.to_owned()), "row {}: {}", row.number, answer.json());
            let errors = answer.json()["errors"].as_array().cloned().unwrap_or_default();
            for field in row.fields {
                assert!(errors.iter().any(|error| error["field"] == *field), "row {}: {}", row.number, answer.json());
            }
        }
        assert_eq!(server.ordain.journal().last_seq(), before, "nothing was changed");
    });
}

/// What is refused before any body is read as fields.
const REFUSED: &[(&str, &str, &str, u16, &str)] = &[
    ("GET", "/v1/nothing", "", 404, "route_not_found"),
    ("GET", "/v2", "", 404, "route_not_found"),
    ("DELETE", "/v1/orders", "", 405, "method_not_allowed"),
    ("TRACE", "/v1/orders", "", 405, "method_not_allowed"),
    ("BREW", "/v1/nodes/a", "", 405, "method_not_allowed"),
    ("GET", "/v1/nodes/none", "", 404, "not_found"),
    ("GET", "/v1/items/none", "", 404, "not_found"),
    ("GET", "/v1/stock/none", "", 404, "not_found"),
    ("GET", "/v1/atp/none", "", 404, "not_found"),
    ("GET", "/v1/orders/o-zz", "", 404, "not_found"),
    ("GET", "/v1/orders/mine/decision", "", 404, "not_found"),
    ("GET", "/v1/reservations/none", "", 404, "not_found"),
    ("DELETE", "/v1/reservations/none", "", 404, "not_found"),
    ("GET", "/v1/fulfillment-orders/f-1-1", "", 404, "not_found"),
    ("POST", "/v1/fulfillment-orders/none/accept", "", 404, "not_found"),
    ("GET", "/v1/rule-sets/none", "", 404, "not_found"),
    ("GET", "/v1/fulfillment-orders/f-1-1/label", "", 404, "not_found"),
    ("GET", "/v1/fulfillment-orders/f-1-1/label?format=bmp", "", 400, "unknown_word"),
    ("GET", "/v1/returns/none/labels/1", "", 404, "not_found"),
    ("GET", "/v1/nodes/none/manifest?carrier=one&date=2026-01-01", "", 404, "not_found"),
    ("GET", "/v1/nodes/none/manifest?carrier=one&date=today", "", 400, "invalid_time"),
    ("GET", "/v1/items/%FF", "", 400, "malformed_path"),
    ("GET", "/v1/nodes?limit=0", "", 400, "invalid_limit"),
    ("GET", "/v1/nodes?limit=1001", "", 400, "invalid_limit"),
    ("GET", "/v1/nodes?limit=ten", "", 400, "invalid_limit"),
    ("GET", "/v1/nodes?cursor=-1", "", 400, "invalid_cursor"),
    ("GET", "/v1/orders?cursor=12", "", 400, "invalid_cursor"),
    ("GET", "/v1/fulfillment-orders?cursor=o-1", "", 400, "invalid_cursor"),
    ("GET", "/v1/orders?statsu=shipped", "", 400, "unknown_parameter"),
    ("GET", "/v1/orders?status=lost", "", 400, "unknown_word"),
    ("GET", "/v1/orders?since=today", "", 400, "invalid_time"),
    ("GET", "/v1/orders?limit=1&limit=2", "", 400, "duplicate_field"),
    ("POST", "/v1/orders", "", 400, "malformed_json"),
    ("POST", "/v1/import/cats", "content-type: text/csv\r\n", 404, "route_not_found"),
    ("POST", "/v1/import/items", "content-type: application/json\r\n", 415, "unsupported_media_type"),
];

#[test]
fn what_cannot_be_served_is_a_problem_with_a_code() {
    served(|server| {
        for (method, path, headers, status, code) in REFUSED {
            let answer = server.send(method, path, headers, b"");
            assert_eq!((answer.status, answer.code().as_str()), (*status, *code), "{method} {path}: {}", answer.json());
            let problem = answer.json();
            assert_eq!(problem["type"], format!("urn:ordain:problem:{code}"));
            assert!(problem["title"].is_string() && problem["detail"].is_string());
            assert_eq!(problem["request_id"].as_str(), answer.header("x-request-id"));
        }
        let allow = server.send("DELETE", "/v1/orders", "", b"");
        assert_eq!(allow.header("allow"), Some("GET,HEAD,POST"));
        for (kind, status) in [("text/plain", 415), ("", 415), ("application/merge-patch+json", 201)] {
            let headers = if kind.is_empty() { String::new() } else { format!("content-type: {kind}\r\n") };
            let body = node(true, 1.0, 1.0).to_string();
            let answer = server.send("PUT", "/v1/nodes/a", &headers, body.as_bytes());
            assert_eq!(answer.status, status, "{kind:?}");
        }
    });
}

#[test]
fn a_request_keeps_its_id_and_a_bad_one_is_replaced() {
    served(|server| {
        let id = |headers: &str| {
            server.send("GET", "/healthz", headers, b"").header("x-request-id").expect("an id").to_owned()
        };
        assert_eq!(id("x-request-id: from-me:1\r\n"), "from-me:1");
        let (one, two) = (id(""), id("x-request-id: not an id\r\n"));
        assert!(one != two && !one.is_empty() && !two.contains(' '));
    });
}

#[test]
fn a_body_that_is_too_large_is_refused_and_the_client_hears_it() {
    served(|server| {
        let head = "POST /v1/orders HTTP/1.1\r\nhost: t\r\nconnection: close\r\ncontent-type: application/json\r\n";
        let large = vec![b'x'; 3 << 20];
        let announced = [format!("{head}content-length: {}\r\n\r\n", large.len()).as_bytes(), &large].concat();
        let mut chunked = format!("{head}transfer-encoding: chunked\r\n\r\n").into_bytes();
        for piece in large.chunks(64 * 1024) {
            chunked.extend_from_slice(format!("{:x}\r\n", piece.len()).as_bytes());
            chunked.extend_from_slice(piece);
            chunked.extend_from_slice(b"\r\n");
        }
        chunked.extend_from_slice(b"0\r\n\r\n");
        let polite = format!("{head}expect: 100-continue\r\ncontent-length: 99999999\r\n\r\n").into_bytes();
        for request in [announced, chunked, polite] {
            let answer = server.raw(&request);
            assert_eq!((answer.status, answer.code()), (413, "body_too_large".into()));
        }
        let broken = server.raw(format!("{head}content-length: 10\r\ncontent-length: 20\r\n\r\n").as_bytes());
        let headers: String = (0..110).map(|n| format!("x-{n}: 1\r\n")).collect();
        let crowded = server.send("GET", "/healthz", &headers, b"");
        assert_eq!((broken.status, crowded.status), (400, 431));
        assert!(broken.body.is_empty() && crowded.body.is_empty(), "what is no request is told so without words");
    });
}

#[test]
fn a_repeat_under_a_key_answers_the_same_and_changes_nothing() {
    served(|server| {
        shop(server);
        let send = |key: &str, path: &str, body: &Value| {
            let headers = format!("content-type: application/json\r\nidempotency-key: {key}\r\n");
            server.send("POST", path, &headers, body.to_string().as_bytes())
        };
        let replayed = |answer: &Answer| answer.header("idempotent-replayed").map(str::to_owned);
        for (path, body) in [
            ("/v1/reservations", reservation("A /1", 2)),
            ("/v1/orders", order("1", "A /1", 2)),
            ("/v1/stock/adjustments", received("A /1", "chi", 5)),
        ] {
            let first = send("k-1", path, &body);
            let before = server.ordain.journal().last_seq();
            let again = send("\"k-1\"", path, &body);
            assert_eq!((first.status, first.json()), (again.status, again.json()), "{path}");
            assert_eq!((replayed(&first), replayed(&again)), (None, Some("true".to_owned())));
            let mut other = body.clone();
            let field = other.as_object_mut().expect("an object");
            match path {
                "/v1/stock/adjustments" => {
                    drop(field.insert("adjustments".into(), received("A /1", "nyc", 5)["adjustments"].clone()))
                }
                "/v1/orders" => drop(field.insert("channel_order_id".into(), json!("2"))),
                _ => drop(field.insert("ttl_s".into(), json!(601))),
            }
            let reused = send("k-1", path, &other);
            assert_eq!((reused.status, reused.code()), (422, "idempotency_key_reused".into()), "{path}");
            assert_eq!(server.ordain.journal().last_seq(), before);
        }
        let bad = send("", "/v1/reservations", &reservation("A /1", 1));
        assert_eq!((bad.status, bad.code()), (400, "invalid_idempotency_key".into()));
    });
}

#[test]
fn a_repeated_step_under_a_key_answers_with_the_fulfilment_order() {
    served(|server| {
        shop(server);
        let placed = server.done("POST", "/v1/orders", &order("1", "A /1", 2));
        let path =
            format!("/v1/fulfillment-orders/{}/accept", placed["fulfillment_orders"][0]["id"].as_str().expect("an id"));
        let accept = || server.send("POST", &path, "idempotency-key: k\r\n", b"");
        let (first, again) = (accept(), accept());
        assert_eq!((first.status, first.json()), (again.status, again.json()));
        assert_eq!(again.header("idempotent-replayed"), Some("true"));
    });
}

#[test]
fn an_order_is_edited_before_it_leaves() {
    served(|server| {
        shop(server);
        let placed = server.done("POST", "/v1/orders", &order("1", "A /1", 2));
        let path = format!("/v1/orders/{}", placed["id"].as_str().expect("an id"));
        let free = |server: &Served| server.get("/v1/atp/A%20%2F1").json()["available"].clone();
        let before = free(server).as_u64().expect("a number");
        let open = |changes: &Value| server.ask("POST", &format!("{path}/edits"), &json!({ "changes": changes }));

        let edit = open(&json!([{"line": "1", "quantity": 4}]));
        let opened = edit.json();
        assert_eq!((edit.status, &opened["id"], &opened["state"]), (201, &json!("edit-1"), &json!("open")));
        let money = |amount: i64| json!({"amount": amount, "currency": "USD"});
        assert_eq!((&opened["difference"], free(server)), (&money(2 * 1999), json!(before - 2)));
        assert_eq!(opened["decision"]["assignments"][0]["lines"][0]["quantity"], 2, "{opened}");
        assert_eq!(opened["changes"][0]["quantity_before"], 2);
        let held = server.get(&format!("/v1/reservations/{}", opened["reservation"].as_str().expect("an id"))).json();
        assert_eq!((&held["state"], &held["lines"][0]["quantity"]), (&json!("held"), &json!(2)));
        let second = open(&json!([{"line": "1", "quantity": 1}]));
        assert_eq!(
            (second.status, second.code().as_str(), &second.json()["edit"]),
            (409, "edit_open", &json!("edit-1"))
        );

        let confirm = || server.send("POST", &format!("{path}/edits/edit-1/confirm"), "idempotency-key: k\r\n", b"");
        let (first, again) = (confirm(), confirm());
        assert_eq!((first.status, &first.json()["state"]), (200, &json!("confirmed")), "{}", first.json());
        assert_eq!((again.json(), again.header("idempotent-replayed")), (first.json(), Some("true")));
        let seen = server.get(&path).json();
        assert_eq!((&seen["lines"][0]["quantity"], &seen["lines"][0]["buckets"]["allocated"]), (&json!(4), &json!(4)));
        assert_eq!((&seen["edits"][0]["state"], free(server)), (&json!("confirmed"), json!(before - 2)));

        let price = json!({"amount": 5, "currency": "USD"});
        let added =
            open(&json!([{"line": "1", "quantity": 0}, {"add": {"sku": "A /1", "quantity": 1, "unit_price": price}}]));
        assert_eq!((added.status, &added.json()["difference"]), (201, &money(5 - 4 * 1999)), "{}", added.json());
        assert_eq!(added.json()["changes"][1]["line"], "2");
        assert_eq!(server.done("POST", &format!("{path}/edits/edit-2/decline"), &json!({}))["state"], "declined");
        assert_eq!(server.ask("POST", &format!("{path}/edits/edit-2/confirm"), &json!({})).code(), "edit_ended");
        assert_eq!(server.ask("POST", &format!("{path}/edits/edit-9/confirm"), &json!({})).code(), "not_found");
        let much = open(&json!([{"line": "1", "quantity": 1000}]));
        assert_eq!((much.status, much.code().as_str()), (409, "insufficient_stock"));
        assert_eq!(server.get(&format!("{path}/edits/edit-2")).json()["state"], "declined");
        assert_eq!(server.get(&format!("{path}/edits")).json()["items"][0]["id"], "edit-1");
        let told = server.get(&format!("{path}/history")).json();
        let told: Vec<_> = told["items"].as_array().expect("a list").iter().map(|told| told["type"].clone()).collect();
        assert_eq!(told, ["placed", "edit_opened", "edited", "edit_opened", "edit_declined"]);

        open(&json!([{"line": "1", "quantity": 1}]));
        let fulfillment = seen["fulfillment_orders"][0]["id"].as_str().expect("an id");
        for verb in ["accept", "pick"] {
            server.done("POST", &format!("/v1/fulfillment-orders/{fulfillment}/{verb}"), &json!({}));
        }
        let stale = server.ask("POST", &format!("{path}/edits/edit-3/confirm"), &json!({}));
        assert_eq!((stale.status, stale.code().as_str()), (409, "edit_stale"), "{}", stale.json());
        assert_eq!(server.get(&format!("{path}/edits/edit-3")).json()["state"], "cancelled");
        let lines = json!([{"line": "1", "quantity": 1, "fulfillment_order": fulfillment}]);
        let begun = server.ask("POST", &format!("{path}/cancellations"), &json!({"lines": lines, "reason": "less"}));
        assert_eq!((begun.status, begun.code().as_str()), (409, "not_cancellable"));
    });
}

#[test]
fn orders_are_split_and_leave_together() {
    served(|server| {
        shop(server);
        let placed = server.done("POST", "/v1/orders", &order("1", "A /1", 3));
        let path = format!("/v1/orders/{}", placed["id"].as_str().expect("an id"));
        let split = || {
            let body = br#"{"id":"part-2","lines":[{"line":"1","quantity":1}]}"#;
            server.send(
                "POST",
                &format!("{path}/split"),
                "content-type: application/json\r\nidempotency-key: k\r\n",
                body,
            )
        };
        let (first, again) = (split(), split());
        assert_eq!((first.status, &first.json()["id"]), (201, &json!("part-2")), "{}", first.json());
        assert_eq!((again.json(), again.header("idempotent-replayed")), (first.json(), Some("true")));
        let (part, whole) = (first.json(), server.get(&path).json());
        assert_eq!((&part["lines"][0]["quantity"], &whole["lines"][0]["quantity"]), (&json!(1), &json!(2)));
        assert!(part["split_from"].is_string(), "{part}");
        let unknown = server.ask("POST", &format!("{path}/consolidate"), &json!({"orders": ["part-3"]}));
        assert_eq!((unknown.status, unknown.code().as_str()), (422, "unknown_order"));
        let joined = server.done("POST", &format!("{path}/consolidate"), &json!({"orders": ["part-2"]}));
        assert_eq!(joined["fulfillment_orders"][0]["ships_with"].as_array().map(Vec::len), Some(2), "{joined}");
        let fulfillment = |order: &Value| order["fulfillment_orders"][0]["id"].as_str().expect("an id").to_owned();
        for order in [&part, &whole] {
            for verb in ["accept", "pick", "pack"] {
                server.done("POST", &format!("/v1/fulfillment-orders/{}/{verb}", fulfillment(order)), &json!({}));
            }
        }
        let shipment = json!({"carrier": "ups", "service": "ground", "tracking_number": "1Z"});
        server.done("POST", &format!("/v1/fulfillment-orders/{}/ship", fulfillment(&part)), &shipment);
        for order in ["part-2", placed["id"].as_str().expect("an id")] {
            assert_eq!(server.get(&format!("/v1/orders/{order}")).json()["status"], "shipped");
        }
        let alone = server.ask("POST", &format!("{path}/consolidate"), &json!({"orders": ["part-2"]}));
        assert_eq!((alone.status, alone.code().as_str()), (409, "not_consolidable"));
    });
}

#[test]
fn an_order_is_held_paid_and_let_go() {
    served(|server| {
        shop(server);
        let held = json!({"holds": [{"type": "payment", "reason": "no money yet", "release_on": "paid"}]});
        let mut body = order("1", "A /1", 2);
        body.as_object_mut().expect("an object").extend(held.as_object().expect("an object").clone());
        let placed = server.done("POST", "/v1/orders", &body);
        assert_eq!((&placed["status"], &placed["payment_state"]), (&json!("fully_allocated"), &json!("none")));
        let path = format!("/v1/orders/{}", placed["id"].as_str().expect("an id"));
        let step = format!("/v1/fulfillment-orders/{}", placed["fulfillment_orders"][0]["id"].as_str().expect("an id"));

        let put = || {
            let body = br#"{"type":"fraud","reason":"three cards"}"#;
            let headers = "content-type: application/json\r\nidempotency-key: k\r\n";
            server.send("POST", &format!("{path}/holds"), headers, body)
        };
        let (first, again) = (put(), put());
        assert_eq!(
            (first.status, &first.json()["id"], &first.json()["state"]),
            (201, &json!("hold-2"), &json!("active"))
        );
        assert_eq!((again.json(), again.header("idempotent-replayed")), (first.json(), Some("true")));
        let seen = server.get(&path).json();
        assert_eq!((&seen["status"], &seen["status_under_hold"]), (&json!("on_hold"), &json!("fully_allocated")));
        assert_eq!(seen["fulfillment_orders"][0]["status"], "on_hold");
        assert_eq!(server.get("/v1/orders?status=on_hold").json()["items"][0]["id"], placed["id"]);
        assert_eq!(server.get("/v1/fulfillment-orders?status=on_hold").json()["items"][0]["order"], placed["id"]);
        let refused = server.ask("POST", &format!("{step}/accept"), &json!({}));
        assert_eq!(
            (refused.status, refused.code().as_str(), &refused.json()["holds"]),
            (409, "on_hold", &json!(["hold-2"]))
        );

        let over = server.done("POST", &format!("{path}/holds/hold-2/release"), &json!({"reason": "known customer"}));
        assert_eq!(over["state"], "resolved");
        assert_eq!(server.ask("POST", &format!("{path}/holds/hold-2/release"), &json!({})).code(), "hold_ended");
        assert_eq!(server.ask("POST", &format!("{path}/holds/hold-9/release"), &json!({})).code(), "not_found");
        for verb in ["accept", "pick", "pack"] {
            server.done("POST", &format!("{step}/{verb}"), &json!({}));
        }
        let shipment = json!({"carrier": "ups", "service": "ground", "tracking_number": "1Z"});
        assert_eq!(server.ask("POST", &format!("{step}/ship"), &shipment).code(), "on_hold");
        let money = |amount: u32| json!({"amount": amount, "currency": "USD"});
        let paid = server.done("POST", &format!("{path}/payments"), &json!({"status": "paid", "amount": money(3998)}));
        assert_eq!((&paid["payment_state"], &paid["holds"][0]["state"]), (&json!("paid"), &json!("auto_released")));
        assert!(paid["milestones"]["payment_confirmed"].is_string(), "{paid}");
        server.done("POST", &format!("{step}/ship"), &shipment);
        let refund = json!({"status": "refunded", "amount": money(3999)});
        assert_eq!(server.ask("POST", &format!("{path}/payments"), &refund).code(), "refund_too_large");
        let hold = json!({"type": "manual", "reason": "too late"});
        assert_eq!(server.ask("POST", &format!("{path}/holds"), &hold).code(), "nothing_to_hold");
    });
}

#[test]
fn supply_on_its_way_is_promised_waited_for_and_received() {
    served(|server| {
        shop(server);
        let inbound = |id: &str, eta: &str, quantity: u32| json!({"id": id, "node": "chi", "supplier": "a factory", "eta": eta, "lines": [{"sku": "A /1", "quantity": quantity}]});
        let announced = server.ask("POST", "/v1/inbound", &inbound("po-1", "2099-05-01T00:00:00Z", 8));
        assert_eq!((announced.status, &announced.json()["status"]), (201, &json!("expected")));
        assert_eq!(
            server.ask("POST", "/v1/inbound", &inbound("po-1", "2099-05-01T00:00:00Z", 8)).json(),
            announced.json()
        );
        assert_eq!(server.ask("POST", "/v1/inbound", &inbound("po-1", "2099-05-01T00:00:00Z", 9)).code(), "id_taken");
        let atp = |date: &str| server.get(&format!("/v1/atp/A%20%2F1{date}")).json()["available"].as_u64();
        assert_eq!([atp(""), atp("?date=2099-04-30"), atp("?date=2099-05-01")], [Some(10), Some(10), Some(18)]);
        let stock = server.get("/v1/stock/A%20%2F1").json();
        assert_eq!((&stock["total"]["incoming"], &stock["nodes"][1]["incoming"]), (&json!(8), &json!(0)));

        let waits = server.done("POST", "/v1/orders", &order("1", "A /1", 13));
        let waits = waits["id"].as_str().expect("an id");
        let pegs = server.get(&format!("/v1/orders/{waits}/pegs")).json();
        assert_eq!(pegs.get("next_cursor"), Some(&Value::Null), "a list, as all are: {pegs}");
        let wanted = json!([{
            "order": waits, "line": "1", "sku": "A /1", "quantity": 3, "inbound": "po-1", "node": "chi",
            "eta": "2099-05-01T00:00:00Z",
        }]);
        assert_eq!(pegs["items"], wanted);
        assert_eq!(server.get("/v1/inbound/po-1/pegs").json()["items"], wanted);
        assert_eq!(atp("?date=2099-05-01"), Some(5), "three of the eight are waited for");
        let late = server.done("PATCH", "/v1/inbound/po-1", &json!({"eta": "2099-06-01T00:00:00Z"}));
        let line = json!({
            "order": waits, "line": "1", "sku": "A /1", "quantity": 3, "was": "2099-05-01T00:00:00Z",
            "now": "2099-06-01T00:00:00Z",
        });
        assert_eq!((&late["id"], &late["redated"]), (&json!("po-1"), &json!({"count": 1, "items": [line]})));
        assert_eq!(server.get(&format!("/v1/orders/{waits}/pegs")).json()["items"][0]["eta"], "2099-06-01T00:00:00Z");

        let receipt = json!({"lines": [{"sku": "A /1", "quantity": 5}]});
        let came = server.done("POST", "/v1/inbound/po-1/receipts", &receipt);
        assert_eq!((&came["status"], &came["lines"][0]["received"]), (&json!("partially_received"), &json!(5)));
        assert_eq!(server.get(&format!("/v1/orders/{waits}")).json()["status"], "fully_allocated");
        assert_eq!([atp(""), atp("?date=2099-06-01")], [Some(2), Some(5)]);
        let listed = server.get("/v1/inbound?node=chi&status=partially_received").json();
        assert_eq!((listed["items"].as_array().map(Vec::len), &listed["next_cursor"]), (Some(1), &Value::Null));
        assert_eq!(server.get("/v1/inbound?node=nyc").json()["items"], json!([]));
        assert_eq!(server.done("POST", "/v1/inbound/po-1/cancel", &json!({}))["status"], "closed");
        assert_eq!(server.ask("POST", "/v1/inbound/po-1/receipts", &receipt).code(), "inbound_ended");
        assert_eq!(server.ask("POST", "/v1/inbound/po-2/receipts", &receipt).code(), "not_found");
    });
}

#[test]
fn units_go_from_one_node_to_another() {
    served(|server| {
        shop(server);
        let wanted = |id: &str, quantity: u32| json!({"id": id, "from": "nyc", "to": "chi", "eta": "2099-05-01T00:00:00Z", "lines": [{"sku": "A /1", "quantity": quantity}]});
        let level = |node: &str, of: &str| {
            let stock = server.get("/v1/stock/A%20%2F1").json();
            let nodes = stock["nodes"].as_array().cloned().unwrap_or_default();
            nodes.iter().find(|level| level["node"] == node).and_then(|level| level[of].as_u64()).unwrap_or(0)
        };
        let before = [level("nyc", "on_hand"), level("nyc", "available"), level("chi", "on_hand")];
        let made = server.ask("POST", "/v1/transfers", &wanted("tr-1", 2));
        assert_eq!((made.status, &made.json()["status"]), (201, &json!("ready")), "{}", made.json());
        assert_eq!(server.ask("POST", "/v1/transfers", &wanted("tr-1", 2)).json(), made.json());
        assert_eq!(server.ask("POST", "/v1/transfers", &wanted("tr-1", 3)).code(), "id_taken");
        assert_eq!(server.ask("POST", "/v1/transfers", &wanted("tr-2", 1_000)).code(), "insufficient_stock");
        assert_eq!([level("nyc", "on_hand"), level("nyc", "available")], [before[0], before[1] - 2]);
        assert_eq!((level("nyc", "committed"), level("chi", "incoming")), (2, 2));

        let receipt = json!({"lines": [{"sku": "A /1", "quantity": 1}]});
        let early = server.ask("POST", "/v1/transfers/tr-1/receipts", &receipt);
        let told = (early.status, early.code(), early.json()["legal"].clone());
        assert_eq!(told, (409, "illegal_transition".to_owned(), json!(["redate", "dispatch", "cancel"])));
        server.done("PATCH", "/v1/transfers/tr-1", &json!({"eta": "2099-06-01T00:00:00Z"}));
        let gone = server.done("POST", "/v1/transfers/tr-1/dispatch", &json!({}));
        assert_eq!((&gone["status"], &gone["lines"][0]["in_transit"]), (&json!("in_transit"), &json!(2)));
        assert_eq!((level("nyc", "on_hand"), level("chi", "on_hand")), (before[0] - 2, before[2]));
        let came = server.done("POST", "/v1/transfers/tr-1/receipts", &receipt);
        assert_eq!((&came["status"], &came["lines"][0]["received"]), (&json!("partially_received"), &json!(1)));
        let closed = server.done("POST", "/v1/transfers/tr-1/receipts", &json!({"close": true}));
        assert_eq!((&closed["status"], &closed["lines"][0]["variance"]), (&json!("received"), &json!(-1)));
        assert_eq!((level("chi", "on_hand"), level("chi", "incoming")), (before[2] + 1, 0));
        assert_eq!(server.get("/v1/transfers/tr-1").json(), closed);

        server.done("POST", "/v1/transfers", &wanted("tr-3", 1));
        assert_eq!(server.done("POST", "/v1/transfers/tr-3/cancel", &json!({}))["status"], "cancelled");
        let listed = server.get("/v1/transfers?from=nyc&to=chi&status=cancelled").json();
        assert_eq!(listed["items"][0]["id"], "tr-3");
        assert_eq!(server.get("/v1/transfers?from=chi").json()["items"], json!([]));
        assert_eq!(server.get("/v1/transfers?to=nowhere").json()["items"], json!([]));
        assert_eq!(server.get("/v1/transfers/tr-1/pegs").json()["items"], json!([]));
        assert_eq!(server.ask("POST", "/v1/transfers/tr-9/dispatch", &json!({})).code(), "not_found");
    });
}

#[test]
fn a_draft_of_a_transfer_is_made_ready_and_a_repeated_step_answers_as_the_first_did() {
    served(|server| {
        shop(server);
        let draft =
            json!({"id": "tr-1", "from": "nyc", "to": "chi", "draft": true, "lines": [{"sku": "A /1", "quantity": 2}]});
        assert_eq!(server.done("POST", "/v1/transfers", &draft)["status"], "draft");
        let early = server.ask("POST", "/v1/transfers/tr-1/dispatch", &json!({}));
        let told = (early.code(), early.json()["legal"].clone());
        assert_eq!(told, ("illegal_transition".to_owned(), json!(["redate", "ready", "cancel"])));
        assert_eq!(server.get("/v1/transfers?status=draft").json()["items"][0]["id"], "tr-1");
        let step = |step: &str| {
            let path = format!("/v1/transfers/tr-1/{step}");
            server.send("POST", &path, "content-type: application/json\r\nidempotency-key: k\r\n", b"{}")
        };
        let (ready, gone) = (step("ready"), step("dispatch"));
        assert_eq!((&ready.json()["status"], &gone.json()["status"]), (&json!("ready"), &json!("in_transit")));
        let closed = server.done("POST", "/v1/transfers/tr-1/receipts", &json!({"close": true}));
        assert_eq!(closed["status"], "received");
        for (first, again) in [(ready, step("ready")), (gone, step("dispatch"))] {
            assert_eq!((again.status, again.json()), (first.status, first.json()));
            assert_eq!(again.header("idempotent-replayed"), Some("true"));
        }
    });
}

#[test]
fn a_network_promises_what_its_nodes_have() {
    served(|server| {
        shop(server);
        let coast = server.done("PUT", "/v1/networks/coast", &json!({"nodes": ["nyc"]}));
        assert_eq!(
            (&coast["about"], &coast["name"], &coast["nodes"]),
            (&json!("network"), &json!("coast"), &json!(["nyc"]))
        );
        let of = |asked: &str| server.get(&format!("/v1/atp/A%20%2F1{asked}")).json()["available"].clone();
        assert_eq!(of("?network=coast"), of("?node=nyc"));
        let many = server.done("POST", "/v1/atp", &json!({"skus": ["A /1"], "network": "coast"}));
        assert_eq!(many["items"][0]["available"], of("?node=nyc"));
        let unknown = server.get("/v1/atp/A%20%2F1?network=inland");
        assert_eq!((unknown.status, unknown.json()["errors"][0]["code"].clone()), (422, json!("unknown_network")));
        let refused = server.ask("PUT", "/v1/networks/coast", &json!({"nodes": ["nowhere"]}));
        assert_eq!((refused.status, refused.json()["errors"][0]["field"].clone()), (422, json!("nodes[0]")));
        let policies = server.get("/v1/policies").json();
        assert!(policies["items"].as_array().is_some_and(|all| all.contains(&coast)), "{policies}");
    });
}

#[test]
fn a_reservation_changes_hands_and_what_ended_says_how() {
    served(|server| {
        shop(server);
        let held = server.done("POST", "/v1/reservations", &reservation("A /1", 2));
        let path = format!("/v1/reservations/{}", held["id"].as_str().expect("an id"));
        let passed = server.done("PATCH", &path, &json!({"owner": "desk-2"}));
        assert_eq!((&passed["owner"], &passed["lines"]), (&json!("desk-2"), &held["lines"]));
        assert_eq!((&passed["expires_at"], server.get(&path).json()), (&held["expires_at"], passed.clone()));
        server.done("DELETE", &path, &json!({}));
        let late = server.ask("PATCH", &path, &json!({"owner": "desk-3"}));
        let told = (late.status, late.code(), late.json()["state"].clone());
        assert_eq!(told, (409, "reservation_expired".to_owned(), json!("released")));
    });
}

#[test]
fn an_unreleased_item_is_preordered_and_an_order_may_rest() {
    served(|server| {
        shop(server);
        let mut novel = item("Novel");
        novel["release_at"] = json!("2099-04-01T00:00:00Z");
        assert_eq!(server.ask("PUT", "/v1/items/novel", &novel).status, 201);
        assert_eq!(server.get("/v1/items/novel").json()["release_at"], "2099-04-01T00:00:00Z");
        let mut early = order("p-1", "novel", 2);
        early["type"] = json!("pre_order");
        let placed = server.done("POST", "/v1/orders", &early);
        assert_eq!((&placed["status"], &placed["type"]), (&json!("preordered"), &json!("pre_order")));
        assert_eq!(placed["lines"][0]["buckets"]["preordered"], 2);
        assert_eq!(placed["lines"][0]["release_at"], "2099-04-01T00:00:00Z");
        let listed = server.get("/v1/orders?status=preordered").json();
        assert_eq!(listed["items"][0]["id"], placed["id"]);

        let mut rests = order("d-1", "A /1", 2);
        rests["id"] = json!("later");
        rests["allocation"] = json!("deferred");
        rests["allocate_at"] = json!("2099-04-01T00:00:00Z");
        let placed = server.done("POST", "/v1/orders", &rests);
        assert_eq!((&placed["status"], &placed["allocation"]), (&json!("received"), &json!("deferred")));
        assert_eq!(placed["allocate_at"], "2099-04-01T00:00:00Z");
        assert_eq!(server.ask("POST", "/v1/orders", &rests).json(), placed, "its id repeats it");
        let routed = server.done("POST", "/v1/orders/later/route", &json!({}));
        assert_eq!(
            (&routed["status"], server.get("/v1/atp/A%20%2F1").json()["available"].as_u64()),
            (&json!("routed"), Some(10))
        );
        assert_eq!(routed["decision"]["assignments"][0]["node"], "chi");
        let allocated = server.done("POST", "/v1/orders/later/allocate", &json!({}));
        assert_eq!((&allocated["status"], &allocated["allocation"]), (&json!("fully_allocated"), &Value::Null));
        assert_eq!(server.ask("POST", "/v1/orders/later/allocate", &json!({})).code(), "not_deferred");
        let story = server.get("/v1/orders/later/history").json();
        let told: Vec<_> = story["items"].as_array().expect("a list").iter().map(|told| told["type"].clone()).collect();
        assert_eq!(told, ["placed", "deferred", "routed", "sourced"]);
        rests["id"] = json!("claims");
        rests["channel_order_id"] = json!("d-2");
        rests["reservation"] = json!("r-1");
        let refused = server.ask("POST", "/v1/orders", &rests).json();
        let faults = refused["errors"].as_array().expect("what rests claims nothing, and nothing is there to claim");
        assert!(faults.iter().any(|fault| fault["code"] == "unknown_reservation"), "{refused}");
    });
}

#[test]
fn a_subscription_is_put_changed_and_read() {
    served(|server| {
        shop(server);
        let body = |quantity: u32| {
            let order = order("x", "A /1", quantity);
            json!({
                "customer": order["customer"], "ship_to": order["ship_to"], "lines": order["lines"],
                "every": "P1M", "next_at": "2099-01-31T09:00:00Z",
            })
        };
        let made = server.ask("PUT", "/v1/subscriptions/tea", &body(1));
        assert_eq!((made.status, &made.json()["state"]), (201, &json!("active")));
        let again = server.ask("PUT", "/v1/subscriptions/tea", &body(1));
        assert_eq!((again.status, again.json()), (200, made.json()), "the same again changes nothing");
        let skipped = server.done("POST", "/v1/subscriptions/tea/skip", &json!({"reason": "away"}));
        assert_eq!((&skipped["next_at"], &skipped["number"]), (&json!("2099-02-28T09:00:00Z"), &json!(2)));
        assert_eq!(skipped["skipped"], json!({"number": 1, "reason": "away"}));
        server.done("POST", "/v1/subscriptions/tea/pause", &json!({}));
        assert_eq!(server.ask("POST", "/v1/subscriptions/tea/pause", &json!({})).code(), "subscription_state");
        let resumed = server.done("POST", "/v1/subscriptions/tea/resume", &json!({}));
        assert_eq!(resumed["next_at"], "2099-02-28T09:00:00Z");
        let changed = server.ask("PUT", "/v1/subscriptions/tea", &body(3));
        assert_eq!((changed.status, &changed.json()["number"]), (200, &json!(2)), "its orders count on");
        assert_eq!(server.get("/v1/subscriptions/tea").json(), changed.json());
        assert_eq!(server.get("/v1/subscriptions?customer=c-1&state=active").json()["items"][0]["id"], "tea");
        assert_eq!(server.get("/v1/subscriptions?state=paused").json()["items"], json!([]));
        assert_eq!(server.get("/v1/subscriptions/tea/orders").json()["items"], json!([]));
        let mut past = body(1);
        past["next_at"] = json!("2020-01-01T00:00:00Z");
        past["lines"][0]["sku"] = json!("none");
        let refused = server.ask("PUT", "/v1/subscriptions/old", &past).json();
        let codes: Vec<_> = refused["errors"].as_array().expect("a list").iter().map(|e| e["code"].clone()).collect();
        assert_eq!(codes, ["time_in_past", "unknown_sku"]);
        assert_eq!(server.get("/v1/subscriptions/old").code(), "not_found");
        assert_eq!(server.done("POST", "/v1/subscriptions/tea/cancel", &json!({}))["next_at"], Value::Null);
        assert_eq!(server.ask("PUT", "/v1/subscriptions/tea", &body(4)).code(), "subscription_state");
    });
}

#[test]
fn a_count_that_comes_late_is_merged_and_a_stale_one_dropped() {
    served(|server| {
        shop(server);
        let path = "/v1/stock/A%20%2F1/chi";
        let counted = |on_hand: u32, number: u64| json!({"on_hand": on_hand, "expected": null, "source": "erp", "source_seq": number});
        let first = server.done("PUT", path, &counted(5, 7));
        assert_eq!((&first["applied"], &first["difference"]), (&json!(true), &json!(-1)), "{first}");
        assert_eq!(first["levels"][0]["on_hand"], 5);
        let again = server.done("PUT", path, &counted(5, 7));
        assert_eq!((&again["applied"], &again["reason"]), (&json!(false), &json!("duplicate")));
        let stale = server.done("PUT", path, &counted(50, 6));
        assert_eq!((&stale["applied"], &stale["reason"]), (&json!(false), &json!("stale")));
        let mut old = counted(5, 8);
        old["as_of"] = json!("2020-01-01T00:00:00Z");
        assert_eq!(server.ask("PUT", path, &old).code(), "as_of_too_old");
        old["as_of"] = json!("2199-01-01T00:00:00Z");
        assert_eq!(server.ask("PUT", path, &old).code(), "as_of_in_future");
        assert_eq!(server.get("/v1/stock/A%20%2F1").json()["nodes"][0]["on_hand"], 5);
    });
}

#[test]
fn a_recount_is_planned_and_its_results_are_counts() {
    served(|server| {
        shop(server);
        let plan = json!({"id": "cc-1", "node": "chi", "skus": ["A /1"]});
        let made = server.ask("POST", "/v1/counts", &plan);
        assert_eq!((made.status, made.json()["status"].clone()), (201, json!("planned")));
        assert_eq!(server.ask("POST", "/v1/counts", &plan).json(), made.json());
        let results = json!({"lines": [{"sku": "A /1", "on_hand": 4}]});
        let counted = server.done("POST", "/v1/counts/cc-1/results", &results);
        assert_eq!((&counted["status"], &counted["lines"][0]["difference"]), (&json!("completed"), &json!(-2)));
        assert_eq!(server.get("/v1/counts/cc-1").json(), counted);
        assert_eq!(server.get("/v1/counts?node=chi&status=completed").json()["items"], json!([counted]));
        assert_eq!(server.ask("POST", "/v1/counts/cc-1/results", &results).code(), "count_ended");
        assert_eq!(server.ask("POST", "/v1/counts/cc-1/cancel", &json!({})).code(), "count_ended");
        assert_eq!(server.get("/v1/counts/cc-2").code(), "not_found");
    });
}

#[test]
fn lots_and_serial_numbers_are_named_picked_and_read() {
    served(|server| {
        shop(server);
        let tracked = |how: &str| {
            let mut item = item("Tea");
            item["tracking"] = json!(how);
            item
        };
        let tea = server.ask("PUT", "/v1/items/tea", &tracked("lot"));
        assert_eq!((tea.status, tea.json()["tracking"].clone()), (201, json!("lot")));
        assert_eq!(server.ask("PUT", "/v1/items/phone", &tracked("serial")).status, 201);
        let came = |sku: &str, names: &Value| {
            let mut body = received(sku, "chi", 3);
            for (field, value) in names.as_object().expect("names") {
                body["adjustments"][0][field] = value.clone();
            }
            server.ask("POST", "/v1/stock/adjustments", &body)
        };
        let lots = json!({"lots": [{"lot": "B/1", "quantity": 2, "expires_on": "2199-01-31"}]});
        assert_eq!(came("tea", &lots).status, 200);
        assert_eq!(came("A /1", &lots).code(), "not_tracked");
        assert_eq!(came("phone", &json!({"serials": ["S1", "S2"]})).status, 200);
        assert_eq!(came("phone", &json!({"serials": ["S1"]})).code(), "serial_taken");
        let view = server.get("/v1/stock/tea/chi/lots").json();
        let lot = json!({"lot": "B/1", "expires_on": "2199-01-31", "on_hand": 2, "picked": 0, "expired": 0});
        assert_eq!((&view["items"], &view["unassigned"]), (&json!([lot]), &json!(1)), "{view}");
        assert_eq!(server.get("/v1/stock/phone/chi/lots?limit=1").json()["next_cursor"], "1");
        let made = server.done("POST", "/v1/orders", &order("W-9", "phone", 1));
        let own = made["fulfillment_orders"][0]["id"].as_str().expect("an id").to_owned();
        let step = |step: &str, body: &Value| server.ask("POST", &format!("/v1/fulfillment-orders/{own}/{step}"), body);
        assert_eq!(step("accept", &json!({})).status, 200);
        let named = |serial: &str| json!({"named": [{"sku": "phone", "serials": [serial]}]});
        assert_eq!(step("pick", &named("S9")).code(), "unknown_lot");
        let picked = step("pick", &named("S2")).json();
        assert_eq!(picked["identified"], json!([{"sku": "phone", "serial": "S2", "quantity": 1}]), "{picked}");
        let serial = server.get("/v1/serials/phone/S2").json();
        assert_eq!((&serial["state"], &serial["fulfillment_order"]), (&json!("picked"), &json!(own)));
        assert_eq!(server.get("/v1/serials/phone/S1").json()["state"], "on_hand");
        assert_eq!(server.get("/v1/serials/phone/S9").code(), "not_found");
        let story = server.get(&format!("/v1/orders/{}/history", made["id"].as_str().expect("an id"))).json();
        assert!(story.to_string().contains("identified"), "{story}");
    });
}

#[test]
fn a_callers_own_id_is_his_for_one_body() {
    served(|server| {
        shop(server);
        for (path, body, field, value) in [
            ("/v1/reservations", reservation("A /1", 2), "owner", json!("cart-82")),
            ("/v1/orders", order("1", "A /1", 2), "channel_order_id", json!("2")),
        ] {
            let mut mine = body;
            mine["id"] = json!("mine-1");
            let first = server.ask("POST", path, &mine);
            let again = server.ask("POST", path, &mine);
            assert_eq!((first.status, &first.json()["id"]), (201, &json!("mine-1")));
            assert_eq!((again.status, again.json()), (201, first.json()));
            assert_eq!(again.header("idempotent-replayed"), Some("true"));
            mine[field] = value;
            let taken = server.ask("POST", path, &mine);
            assert_eq!((taken.status, taken.code()), (409, "id_taken".into()));
            assert_eq!(server.get(&format!("{path}/mine-1")).status, 200);
        }
        let mut twice = order("1", "A /1", 1);
        twice["id"] = json!("another");
        let twice = server.ask("POST", "/v1/orders", &twice);
        assert_eq!((twice.status, twice.code()), (409, "duplicate_channel_order".into()));
    });
}

#[test]
fn groups_of_lines_go_to_their_own_destinations() {
    served(|server| {
        shop(server);
        let mut split = order("1", "A /1", 1);
        let gift = json!({
            "name": "Bo", "line1": "2 Elm St", "city": "Boston", "region": "MA", "postal_code": "02101", "country": "US",
        });
        let line = split["lines"][0].clone();
        split["groups"] = json!({"gift": gift});
        split["lines"] = json!([line, line]);
        split["lines"][1]["group"] = json!("gift");
        let answer = server.ask("POST", "/v1/orders", &split);
        assert_eq!(answer.status, 201, "{}", answer.json());
        let placed = answer.json();
        assert_eq!(placed["groups"]["gift"]["city"], "Boston");
        assert_eq!((&placed["lines"][0]["group"], &placed["lines"][1]["group"]), (&Value::Null, &json!("gift")));
        let told = &placed["decision"]["groups"];
        assert_eq!((&told[0]["group"], &told[1]["group"]), (&Value::Null, &json!("gift")), "{placed}");
        let id = placed["id"].as_str().expect("it has an id");
        let all = server.get(&format!("/v1/orders/{id}/decision")).json();
        let mut told = told[1].clone();
        told["rejected"][0]["enters_if"] = json!({"cost_less": 1});
        assert_eq!(all["groups"][1], told, "few enough to be told with the order, without what would have won");
    });
}

#[test]
fn an_import_keeps_good_lines_and_names_bad_ones() {
    served(|server| {
        let import = |kind: &str, format: &str, text: &str| {
            let headers = format!("content-type: {format}\r\n");
            server.send("POST", &format!("/v1/import/{kind}"), &headers, text.as_bytes())
        };
        let mut chi = node(true, 41.9, -87.6);
        chi["id"] = json!("chi");
        let report = import("nodes", "application/x-ndjson", &format!("{chi}\nnonsense\n{{\"id\":\"x\"}}\n"));
        assert_eq!((report.status, &report.json()["accepted"]), (200, &json!(1)));
        let refused = &report.json()["refused"];
        assert_eq!((&refused[0]["line"], &refused[0]["code"]), (&json!(2), &json!("malformed_json")));
        assert_eq!((&refused[1]["line"], &refused[1]["code"]), (&json!(3), &json!("validation_failed")));

        let heading = "sku,name,kind,weight_g,dimensions_mm.length,dimensions_mm.width,dimensions_mm.height,\
                       value.amount,value.currency,components[0].sku,components[0].quantity";
        let rows =
            "A,\"Mug, blue\",product,350,1,2,3,1250,USD,,\nK,Set,kit,0,0,0,0,,,A,2\nB,,product,1,1,1,1,1,USD,,\n";
        let report = import("items", "text/csv; charset=utf-8", &format!("{heading}\n{rows}")).json();
        assert_eq!((&report["accepted"], &report["refused"][0]["line"]), (&json!(2), &json!(4)), "{report}");
        assert_eq!(server.get("/v1/items/A").json()["name"], "Mug, blue");
        assert_eq!(server.get("/v1/items/K").json()["components"][0]["quantity"], 2);

        let good = r#"{"sku":"A","node":"chi","on_hand":40}"#;
        let bad = r#"{"sku":"none","node":"chi","on_hand":1}"#;
        let text = format!("{good}\n{bad}\n{}\n", r#"{"sku":"A","node":"chi","on_hand":50}"#);
        let strict = import("stock?strict=true", "application/x-ndjson", &text).json();
        assert_eq!((&strict["accepted"], &strict["stopped_at"]), (&json!(1), &json!(2)), "{strict}");
        assert_eq!(strict["refused"][0]["code"], "unknown_sku");
        assert_eq!(server.get("/v1/atp/K").json()["available"], 20);

        let mut lines = String::new();
        for n in 0..300 {
            lines += &format!("{}\n", order(&n.to_string(), "A", 1));
        }
        let report = import("orders", "application/x-ndjson", &lines).json();
        assert_eq!((&report["accepted"], &report["refused_count"]), (&json!(300), &json!(0)), "{report}");
        let allocated = server.get("/v1/orders?status=fully_allocated&limit=1000").json();
        assert_eq!(allocated["items"].as_array().map(Vec::len), Some(40));
        assert_eq!(allocated["items"][39]["channel_order_id"], "0", "lines take their turn");
    });
}

#[test]
fn the_live_feed_tells_every_record_once_and_goes_on_where_one_left() {
    served(|server| {
        shop(server);
        let last = server.ordain.journal().durable_seq();
        let follow = |headers: &str, path: &str| {
            let mut stream = server.connect();
            let request = format!("GET {path} HTTP/1.1\r\nhost: t\r\n{headers}\r\n");
            stream.write_all(request.as_bytes()).expect("sent");
            BufReader::new(stream)
        };
        let next = |feed: &mut BufReader<std::net::TcpStream>| -> Value {
            let mut line = String::new();
            while !line.starts_with("data: ") {
                line.clear();
                assert!(feed.read_line(&mut line).expect("the feed lives") > 0);
            }
            serde_json::from_str(&line[6..]).expect("JSON")
        };
        let mut all = follow("", "/v1/events?after=0");
        let told: Vec<_> = (1..=last).map(|_| next(&mut all)).collect();
        assert_eq!(
            told.iter().map(|one| one["seq"].as_u64()).collect::<Vec<_>>(),
            (1..=last).map(Some).collect::<Vec<_>>()
        );
        assert!(told.iter().any(|one| one["events"][0]["type"] == "node_put" && one["events"][0]["node"] == "chi"));

        let mut rest = follow(&format!("last-event-id: {last}\r\n"), "/v1/events");
        let mut new = follow("", "/v1/events");
        server.done("POST", "/v1/orders", &order("1", "A /1", 1));
        for feed in [&mut all, &mut rest, &mut new] {
            let record = next(feed);
            let text = record.to_string();
            assert_eq!(record["seq"], last + 1);
            assert!(text.contains("order_placed") && text.contains("A /1"), "{text}");
            for secret in ["\"Customer\"", "Main St", "customer@example.org"] {
                assert!(!text.contains(secret), "personal data stay sealed: {text}");
            }
        }
        assert!(server.get("/metrics").body.windows(19).any(|window| window == b"ordain_live_feeds 3"));
    });
}

/// The client sends all of it at once, half of a request at the end, and reads only later: more than is held back for it.
#[test]
fn requests_sent_without_waiting_are_answered_in_their_order() {
    const REQUESTS: usize = 600;
    served(|server| {
        shop(server);
        let cart = reservation("A /1", 1).to_string();
        let request = |n: usize| match n % 3 {
            0 => format!("GET /v1/stock/A%20%2F1 HTTP/1.1\r\nhost: test\r\nx-request-id: n-{n}\r\n\r\n"),
            1 => format!("GET /v1/atp/A%20%2F1 HTTP/1.1\r\nhost: test\r\nx-request-id: n-{n}\r\n\r\n"),
            _ => format!(
                "POST /v1/reservations HTTP/1.1\r\nhost: test\r\nx-request-id: n-{n}\r\n\
                 content-type: application/json\r\ncontent-length: {}\r\n\r\n{cart}",
                cart.len()
            ),
        };
        let asked: String = (0..REQUESTS).map(request).collect();
        let (first, half) = asked.split_at(asked.len() - 20);
        let stream = server.connect();
        let mut sending = stream.try_clone().expect("a socket");
        sending.write_all(first.as_bytes()).expect("sent");
        let mut answers = BufReader::new(stream);
        let mut statuses = Vec::new();
        for n in 0..REQUESTS {
            if n == REQUESTS - 1 {
                sending.write_all(half.as_bytes()).expect("sent");
            }
            let (mut status, mut id, mut length) = (0, String::new(), 0);
            loop {
                let mut line = String::new();
                answers.read_line(&mut line).expect("an answer");
                let line = line.trim_end().to_ascii_lowercase();
                match line.split_once(": ") {
                    Some(("x-request-id", value)) => id = value.into(),
                    Some(("content-length", value)) => length = value.parse().expect("a number"),
                    Some(_) => {}
                    None if line.is_empty() => break,
                    None => status = line.split(' ').nth(1).and_then(|code| code.parse().ok()).expect("a status"),
                }
            }
            let mut body = vec![0; length];
            answers.read_exact(&mut body).expect("a body");
            assert_eq!(id, format!("n-{n}"));
            statuses.push(status);
        }
        let count = |status: u16| statuses.iter().filter(|found| **found == status).count();
        assert_eq!((count(200), count(201), count(409)), (REQUESTS / 3 * 2, 10, REQUESTS / 3 - 10));
    });
}

#[test]
fn the_process_can_be_watched() {
    served(|server| {
        shop(server);
        assert_eq!(server.get("/healthz").status, 200);
        assert_eq!(server.get("/readyz").status, 200);
        let metrics = String::from_utf8(server.get("/metrics").body).expect("text");
        for wanted in [
            "ordain_http_requests_total{route=\"/v1/nodes/{node}\",method=\"PUT\",status=\"201\"} 2",
            "ordain_http_request_seconds_bucket{route=\"/v1/nodes/{node}\",method=\"PUT\",le=\"+Inf\"} 2",
            "ordain_journal_sync_seconds_count",
            "ordain_journal_seats ",
            "ordain_orders_in_memory 0",
        ] {
            assert!(metrics.contains(wanted), "{wanted}: {metrics}");
        }
    });
}

#[test]
fn the_document_lists_every_route_and_code_and_needs_nothing_from_outside() {
    served(|server| {
        let document = server.get("/openapi.json").json();
        assert_eq!(document["openapi"], "3.1.0");
        let paths = document["paths"].as_object().expect("paths");
        for path in [
            "/v1/nodes/{node}",
            "/v1/orders",
            "/v1/fulfillment-orders/{id}/cancel_accept",
            "/v1/import/{kind}",
            "/metrics",
        ] {
            assert!(paths.contains_key(path), "{path}");
        }
        let codes =
            document["components"]["schemas"]["Problem"]["properties"]["code"]["enum"].as_array().expect("codes");
        for (.., code) in REFUSED {
            assert!(codes.contains(&json!(code)), "{code}");
        }
        let text = document.to_string();
        for (at, _) in text.match_indices("\"$ref\":\"#/components/schemas/") {
            let name = text[at + 29..].split('"').next().unwrap_or_default();
            assert!(!document["components"]["schemas"][name].is_null(), "{name} is described");
        }
        let order = &document["components"]["schemas"]["NewOrder"];
        assert!(order["required"].as_array().expect("required").contains(&json!("channel_order_id")));
        assert!(!order["required"].as_array().expect("required").contains(&json!("totals")));
        assert_eq!(order["properties"]["type"]["$ref"], "#/components/schemas/OrderType");

        let page = server.get("/docs/");
        assert_eq!(page.status, 200);
        let html = String::from_utf8_lossy(&page.body).into_owned();
        assert!(!html.contains("https://") && !html.contains("http://"), "{html}");
        assert_eq!(server.get("/docs/swagger-ui-bundle.js").status, 200);
        assert_eq!(server.get("/").header("content-type"), Some("text/html; charset=utf-8"));
    });
}

#[test]
fn a_write_is_refused_before_its_body_is_read_when_there_is_no_seat() {
    served(|server| {
        server.ordain.journal().close().expect("closes");
        let head = "POST /v1/orders HTTP/1.1\r\nhost: t\r\nconnection: close\r\ncontent-type: application/json\r\n";
        // The body is announced and never comes.
        let busy = server.raw(format!("{head}content-length: 1000\r\n\r\n").as_bytes());
        assert_eq!((busy.status, busy.code(), busy.header("retry-after")), (503, "stopping".into(), Some("1")));
    });
}

#[test]
fn a_disk_nearly_full_refuses_new_work_by_name_and_goes_on_reading_and_freeing() {
    let dir = tempfile::tempdir().expect("a directory");
    let server = Served::start(dir.path());
    shop(&server);
    let held = server.done("POST", "/v1/reservations", &reservation("A /1", 2));
    let path = format!("/v1/reservations/{}", held["id"].as_str().expect("an id"));
    server.stop();

    // No disk is empty, so all of it free is more than there is.
    let full = Options { free_percent_min: 100, free_bytes_min: 0, ..Options::default() };
    let server = Served::start_with(dir.path(), full);
    for (path, body) in [
        ("/v1/orders", order("1", "A /1", 1)),
        ("/v1/reservations", reservation("A /1", 1)),
        ("/v1/stock/adjustments", received("A /1", "chi", 1)),
    ] {
        let refused = server.ask("POST", path, &body);
        assert_eq!((refused.status, refused.code()), (507, "storage_full".into()), "{path}");
    }
    assert_eq!(server.get("/v1/atp/A%20%2F1").json()["available"], 8, "reads go on");
    assert_eq!(server.send("DELETE", &path, "", b"").status, 200, "what frees something goes on");
    assert_eq!(server.get("/v1/atp/A%20%2F1").json()["available"], 10);
    server.stop();

    let server = Served::start(dir.path());
    server.done("POST", "/v1/orders", &order("1", "A /1", 1));
    server.stop();
}

#[test]
fn channels_have_floors_caps_and_nodes_of_their_own() {
    let dir = tempfile::tempdir().expect("a directory");
    let server = Served::start(dir.path());
    shop(&server);
    let web = json!({"name": "Web shop", "limits": [{"sku": "A /1", "floor": 4, "cap": 5}]});
    let put = server.ask("PUT", "/v1/channels/web", &web);
    let told = json!({
        "id": "web", "name": "Web shop", "customers": [],
        "limits": [{"sku": "A /1", "floor": 4, "cap": 5, "used": 0}],
    });
    assert_eq!((put.status, put.json()), (201, told.clone()));
    assert_eq!(server.ask("PUT", "/v1/channels/web", &web).status, 200);
    assert_eq!(server.get("/v1/channels/web").json(), told);
    assert_eq!(server.get("/v1/channels?limit=5").json()["items"], json!([told]));
    assert_eq!(server.get("/v1/channels/none").code(), "not_found");
    let gold = json!({"name": "Best customers", "customers": ["gold"], "nodes": ["nyc"], "limits": [{"sku": "A /1", "floor": 1}]});
    assert_eq!(server.ask("PUT", "/v1/channels/vip", &gold).status, 201);

    let available = |asked: &str| server.get(&format!("/v1/atp/A%20%2F1{asked}")).json()["available"].clone();
    let asked = ["", "?channel=web", "?channel=nowhere", "?channel=web&node=nyc", "?channel=web&customer=gold"];
    assert_eq!(asked.map(available), [json!(5), json!(5), json!(5), json!(4), json!(4)]);
    let many = server.done("POST", "/v1/atp", &json!({"skus": ["A /1"], "channel": "shop", "customer": "gold"}));
    assert_eq!(many["items"][0]["available"], 4);

    let mut held = reservation("A /1", 6);
    held["channel"] = json!("web");
    let refused = server.ask("POST", "/v1/reservations", &held);
    assert_eq!(
        (refused.status, refused.code(), &refused.json()["available"]),
        (409, "insufficient_stock".into(), &json!(5))
    );
    held["lines"][0]["quantity"] = json!(3);
    let held = server.done("POST", "/v1/reservations", &held);
    let mut claim = order("1", "A /1", 5);
    claim["reservation"] = held["id"].clone();
    assert_eq!(server.done("POST", "/v1/orders", &claim)["lines"][0]["buckets"]["allocated"], 5);
    assert_eq!(server.get("/v1/channels/web").json()["limits"][0]["used"], 5);
    let waits = server.done("POST", "/v1/orders", &order("2", "A /1", 1));
    assert_eq!((&waits["status"], &waits["lines"][0]["buckets"]["backordered"]), (&json!("backordered"), &json!(1)));

    for (path, body, code) in [
        ("web", json!({"name": "x", "limits": [{"sku": "none"}]}), "unknown_sku"),
        ("web", json!({"name": "x", "limits": [{"sku": "A /1"}, {"sku": "A /1"}]}), "duplicate_sku"),
        ("web", json!({"name": "x", "nodes": ["none"], "limits": []}), "unknown_node"),
        ("web", json!({"name": "x", "nodes": ["virtual"], "limits": []}), "node_without_stock"),
        ("web", json!({"name": "x", "customers": ["gold"], "limits": []}), "customer_taken"),
        ("a b", json!({"name": "x", "limits": []}), "invalid_id"),
    ] {
        let refused = server.ask("PUT", &format!("/v1/channels/{}", path.replace(' ', "%20")), &body);
        assert_eq!((refused.status, refused.code()), (422, code.to_owned()), "{body}");
    }
    server.stop();

    let server = Served::start(dir.path());
    assert_eq!(server.get("/v1/channels/web").json()["limits"][0]["used"], 5, "a start counts the same");
    server.done("PUT", "/v1/channels/web", &json!({"name": "Web shop", "limits": [{"sku": "A /1", "cap": 6}]}));
    let id = waits["id"].as_str().expect("an id");
    assert_eq!(server.get(&format!("/v1/orders/{id}")).json()["lines"][0]["buckets"]["allocated"], 1);
    server.stop();
}

/// The second argument of every call that makes a fault, where it is a literal.
fn fault_codes(source: &str) -> Vec<&str> {
    let calls = ["Fault::new(", "Rejection::invalid("].into_iter().flat_map(|call| source.split(call).skip(1));
    let second = |arguments| {
        let arguments: &str = arguments;
        let mut depth = 0;
        let comma = arguments.find(|c| {
            depth += i32::from("([{".contains(c)) - i32::from(")]}".contains(c));
            c == ',' && depth == 0
        })?;
        arguments[comma + 1..].trim_start().strip_prefix('"')?.split('"').next()
    };
    calls.filter_map(second).collect()
}

#[test]
fn every_code_of_the_engine_is_listed() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/engine");
    let mut found = 0;
    for entry in std::fs::read_dir(folder).expect("the engine can be read") {
        let path = entry.expect("the engine can be read").path();
        let Ok(source) = std::fs::read_to_string(&path) else { continue };
        for code in fault_codes(&source) {
            assert!(CODES.iter().any(|(listed, ..)| *listed == code), "{}: {code} is not listed", path.display());
            found += 1;
        }
    }
    assert!(found > 10, "the engine finds faults");
}

#[test]
fn one_connection_carries_many_requests() {
    served(|server| {
        let mut stream = server.connect();
        let request = b"GET /healthz HTTP/1.1\r\nhost: t\r\n\r\n";
        for _ in 0..3 {
            stream.write_all(request).expect("sent");
        }
        stream.write_all(b"GET /healthz HTTP/1.1\r\nhost: t\r\nconnection: close\r\n\r\n").expect("sent");
        let all = answer(&mut stream);
        let text = format!("{}\r\n\r\n{}", all.head, String::from_utf8_lossy(&all.body));
        assert_eq!(text.matches("HTTP/1.1 200").count(), 4);
    });
}

#[test]
fn what_was_answered_is_there_after_a_restart() {
    let dir = tempfile::tempdir().expect("a directory");
    let server = Served::start(dir.path());
    shop(&server);
    let mut mine = order("1", "A /1", 8);
    mine["id"] = json!("mine");
    let placed = server.done("POST", "/v1/orders", &mine);
    let held = server.done("POST", "/v1/reservations", &reservation("A /1", 1));
    let stock = server.get("/v1/stock/A%20%2F1").json();
    server.stop();

    let server = Served::start(dir.path());
    assert_eq!(server.get("/v1/orders/mine").json(), placed);
    assert_eq!(server.get(&format!("/v1/reservations/{}", held["id"].as_str().expect("an id"))).json(), held);
    assert_eq!(server.get("/v1/stock/A%20%2F1").json()["total"], stock["total"]);
    assert_eq!(server.ask("POST", "/v1/orders", &mine).json(), placed);
    server.stop();
}

/// A carton whose room inside is given; outside it is a little larger.
fn carton(inner: [u32; 3], cost: i64) -> Value {
    let edges = |[length, width, height]: [u32; 3]| json!({"length": length, "width": width, "height": height});
    json!({
        "name": "A carton", "inner_mm": edges(inner), "outer_mm": edges(inner.map(|edge| edge + 6)), "weight_g": 100,
        "max_weight_g": 20_000, "cost": {"amount": cost, "currency": "USD"},
    })
}

/// The fields that a problem names.
fn faulty_fields(refused: &Answer) -> Vec<String> {
    let problem = refused.json();
    let fields = problem["errors"].as_array().into_iter().flatten().map(|error| error["field"].as_str());
    fields.map(|field| field.unwrap_or_default().to_owned()).collect()
}

#[test]
fn cartons_are_put_and_parcels_packed_into_them() {
    let dir = tempfile::tempdir().expect("a directory");
    let server = Served::start(dir.path());
    shop(&server);
    let small = server.ask("PUT", "/v1/cartons/S", &carton([110, 90, 90], 40));
    assert_eq!((small.status, &small.json()["id"]), (201, &json!("S")));
    assert_eq!(server.ask("PUT", "/v1/cartons/S", &carton([110, 90, 90], 40)).status, 200);
    let mut large = carton([210, 170, 100], 70);
    assert_eq!(server.ask("PUT", "/v1/cartons/L", &large).status, 201);
    large["nodes"] = json!(["chi"]);
    assert_eq!(server.ask("PUT", "/v1/cartons/L", &large).json()["nodes"], json!(["chi"]));
    assert_eq!(server.get("/v1/cartons?limit=1").json()["items"][0]["id"], "L");
    assert_eq!(server.get("/v1/cartons/none").code(), "not_found");
    large["nodes"] = json!(["moon"]);
    large["cost"]["currency"] = json!("EUR");
    assert_eq!(faulty_fields(&server.ask("PUT", "/v1/cartons/L", &large)), ["cost.currency", "nodes[0]"]);

    // Four mugs of 100 × 80 × 90 mm fill the large carton; where there is none, each goes by itself.
    let four = json!({"lines": [{"sku": "A /1", "quantity": 4}]});
    let packed = server.done("POST", "/v1/packing", &four);
    assert_eq!((&packed["cost"]["amount"], &packed["lower_bound"]["amount"]), (&json!(70), &json!(70)));
    assert_eq!((&packed["optimal"], packed["cartons"].as_array().map(Vec::len)), (&json!(true), Some(1)));
    let placements = packed["cartons"][0]["placements"].as_array().expect("placements").clone();
    assert_eq!(placements.len(), 4);
    assert_eq!((&placements[0]["sku"], &placements[0]["at_mm"]["z"]), (&json!("A /1"), &json!(0)));
    let elsewhere = json!({"lines": [{"sku": "A /1", "quantity": 4}], "node": "nyc"});
    let elsewhere = server.done("POST", "/v1/packing", &elsewhere);
    assert_eq!((&elsewhere["cost"]["amount"], &elsewhere["cartons"][0]["carton"]), (&json!(160), &json!("S")));

    // Weight is billed by the kilogram begun, or by what the carton measures outside.
    let billed = json!({
        "lines": [{"sku": "A /1", "quantity": 1}], "price_per_kg": {"amount": 100, "currency": "USD"},
        "dimensional_divisor": 500,
    });
    let billed = server.done("POST", "/v1/packing?drawing=svg", &billed);
    let only = &billed["cartons"][0];
    assert_eq!((&only["weight_g"], &only["billable_weight_g"]), (&json!(450), &json!(2_139)));
    assert_eq!(only["cost"]["amount"], 40 + 3 * 100);
    let drawing = only["drawing"].as_str().expect("a drawing");
    assert!(drawing.starts_with("<svg") && drawing.contains("1. A /1 at 0, 0, 0"), "{drawing}");

    // What an item says of packing holds; pieces that no carton takes are named.
    let mut vase = item("Vase");
    vase["packing"] = json!({"fragile": true, "nests_mm": 5});
    assert_eq!(server.ask("PUT", "/v1/items/vase", &vase).json()["packing"]["nests_mm"], 5);
    let nested = server.done("POST", "/v1/packing", &json!({"lines": [{"sku": "vase", "quantity": 3}]}));
    let stack = &nested["cartons"][0]["placements"][0];
    assert_eq!((&stack["quantity"], &stack["size_mm"]["height"]), (&json!(3), &json!(100)));
    let mixed = json!({
        "lines": [{"sku": "vase", "quantity": 1}],
        "pieces": [{"id": "oar", "dimensions_mm": {"length": 3000, "width": 90, "height": 20}, "weight_g": 900}],
    });
    let mixed = server.done("POST", "/v1/packing", &mixed);
    assert_eq!(mixed["unpacked"], json!([{"piece": "oar", "quantity": 1, "reason": "fits_no_carton"}]));
    let unknown = json!({"lines": [{"sku": "none", "quantity": 1}], "cartons": ["XL"], "node": "moon"});
    let refused = server.ask("POST", "/v1/packing", &unknown);
    assert_eq!((refused.status, faulty_fields(&refused).join(" ")), (422, "node cartons[0] lines[0].sku".to_owned()));
    let many = json!({"lines": [{"sku": "A /1", "quantity": 501}]});
    assert_eq!(server.ask("POST", "/v1/packing", &many).code(), "too_many");

    let told = (server.get("/v1/cartons").json(), server.get("/v1/items/vase").json());
    server.stop();
    let server = Served::start(dir.path());
    assert_eq!((server.get("/v1/cartons").json(), server.get("/v1/items/vase").json()), told, "a start knows the same");
    server.stop();
}

#[test]
fn rule_sets_are_put_previewed_activated_and_decide() {
    let dir = tempfile::tempdir().expect("a directory");
    let server = Served::start(dir.path());
    shop(&server);
    let names = |listed: &Value| -> Vec<String> {
        let items = listed["items"].as_array().expect("a list").iter();
        items.map(|item| item["name"].as_str().expect("a name").to_owned()).collect()
    };
    let listed = server.get("/v1/rule-sets").json();
    assert_eq!(names(&listed), ["cheapest", "default", "fastest", "fewest_splits", "greenest", "weighted_score"]);
    let founded = server.get("/v1/rule-sets/default").json();
    assert_eq!(
        (&founded["version"], &founded["state"], &founded["unfilled"]),
        (&json!(1), &json!("active"), &json!("last_resort"))
    );
    assert_eq!(founded["objective"][1], json!({"term": "distance", "amount_per_kg_km": 0.2}));
    assert_eq!(server.ask("POST", "/v1/orders", &order("o-before", "A /1", 1)).status, 201);

    let body = json!({
        "scope": {"channels": ["web"]},
        "fences": [{"fence": "nodes", "in": ["nyc"]}],
        "objective": [{"term": "per_shipment", "amount": 700}, {"term": "distance", "amount_per_kg_km": 0.5}],
    });
    let put = server.ask("PUT", "/v1/rule-sets/coast", &body);
    assert_eq!((put.status, &put.json()["version"], &put.json()["state"]), (201, &json!(1), &json!("draft")));
    for (field, value) in body.as_object().expect("an object") {
        assert_eq!(put.json()[field], *value, "{field} is shown as it was put");
    }
    let mut named = order("o-named", "A /1", 1);
    named["rule_set"] = json!("coast");
    assert_eq!(server.ask("POST", "/v1/orders", &named).code(), "unknown_rule_set");
    let preview = server.done("POST", "/v1/rule-sets/coast/preview", &json!({"version": 1, "orders": "last:10"}));
    assert_eq!((&preview["looked_at"], &preview["compared"]), (&json!(1), &json!(1)));
    let change = &preview["changes"][0];
    assert_eq!(
        (&change["before"]["assignments"][0]["node"], &change["after"]["assignments"][0]["node"]),
        (&json!("chi"), &json!("nyc"))
    );
    let predicted = change["after"]["cost"].clone();

    let active = server.done("POST", "/v1/rule-sets/coast/activate", &json!({"version": 1}));
    assert_eq!(active["state"], "active");
    let placed = server.ask("POST", "/v1/orders", &order("o-after", "A /1", 1)).json();
    let decision = &placed["decision"];
    assert_eq!((&decision["rule_set"], &decision["rule_set_version"]), (&json!("coast"), &json!(1)));
    assert_eq!((&decision["assignments"][0]["node"], &decision["cost"]["amount"]), (&json!("nyc"), &predicted));
    let kept_out = decision["rejected"].as_array().expect("losers").iter().find(|loser| loser["node"] == "chi");
    assert_eq!(kept_out.expect("chi lost")["reason"], "not_listed");

    let rich = json!({"fences": [{"fence": "arrives_by"}], "objective": [{"term": "scarcity"}, {"term": "markdown"}]});
    assert_eq!(server.ask("PUT", "/v1/rule-sets/coast", &rich).json()["version"], 2);
    assert_eq!(server.ask("PUT", "/v1/rule-sets/greenest", &body).code(), "reserved_name");
    assert_eq!(server.get("/v1/rule-sets/none").code(), "not_found");
    assert_eq!(server.get("/v1/rule-sets/coast/versions/9").code(), "not_found");
    let versions = server.get("/v1/rule-sets/coast/versions").json();
    assert_eq!(versions["items"], json!([{"version": 2, "state": "draft"}, {"version": 1, "state": "active"}]));

    let told = (server.get("/v1/rule-sets").json(), server.get("/v1/rule-sets/coast/versions/2").json());
    server.stop();
    let server = Served::start(dir.path());
    assert_eq!((server.get("/v1/rule-sets").json(), server.get("/v1/rule-sets/coast/versions/2").json()), told);
    server.stop();
}
