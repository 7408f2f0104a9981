//! Over HTTP: labels, packing slips, pick lists and manifests, scanned and read back.

use std::collections::HashMap;
use std::io::Read;

use rxing::helpers::detect_multiple_in_luma;
use serde_json::{Value, json};

use crate::served::{Answer, Served};

fn served(test: impl FnOnce(&Served)) {
    let dir = tempfile::tempdir().expect("a directory");
    let server = Served::start(dir.path());
    let node = json!({
        "kind": "warehouse", "name": "Łódź Fabryczna", "latitude": 51.8, "longitude": 19.5, "country": "PL",
        "postal_code": "90-001", "time_zone": "Europe/Warsaw", "active": true,
    });
    assert_eq!(server.ask("PUT", "/v1/nodes/lodz", &node).status, 201);
    let item = |name: &str, weight_g: u32| {
        json!({
            "name": name, "kind": "product", "weight_g": weight_g, "value": {"amount": 1250, "currency": "USD"},
            "dimensions_mm": {"length": 100, "width": 80, "height": 90},
        })
    };
    for (sku, name, weight_g) in [("mug", "Kubek Świętokrzyski", 350), ("cup", "Чашка", 200)] {
        assert_eq!(server.ask("PUT", &format!("/v1/items/{sku}"), &item(name, weight_g)).status, 201);
        let change = json!({"adjustments": [{"sku": sku, "node": "lodz", "delta": 50, "reason": "received"}]});
        server.done("POST", "/v1/stock/adjustments", &change);
    }
    test(&server);
    server.stop();
}

/// Places an order of two mugs and a cup; gives its fulfilment order.
fn ordered(server: &Served, id: &str) -> String {
    let price = json!({"amount": 1000, "currency": "USD"});
    let order = json!({
        "id": id, "type": "standard", "channel": "web", "channel_order_id": format!("W-{id}"),
        "customer": {"id": "c-1"},
        "ship_to": {
            "name": "Zamek Český Krumlov", "company": "Národní památkový ústav", "line1": "Zámek 59", "city": "Český Krumlov",
            "region": "", "postal_code": "381 01", "country": "CZ", "latitude": 48.8, "longitude": 14.3,
        },
        "lines": [
            {"id": "a", "sku": "mug", "quantity": 2, "unit_price": price},
            {"id": "b", "sku": "cup", "quantity": 1, "unit_price": price},
        ],
        "delivery_method": "ship",
    });
    let placed = server.done("POST", "/v1/orders", &order);
    placed["fulfillment_orders"][0]["id"].as_str().expect("an id").to_owned()
}

fn steps(server: &Served, fulfillment: &str, verbs: &[&str]) {
    for verb in verbs {
        server.done("POST", &format!("/v1/fulfillment-orders/{fulfillment}/{verb}"), &json!({}));
    }
}

fn shipped(server: &Served, id: &str, carrier: &str, tracking_number: &str) -> String {
    let fulfillment = ordered(server, id);
    steps(server, &fulfillment, &["accept", "pick", "pack"]);
    let shipment = json!({"carrier": carrier, "service": "ground", "tracking_number": tracking_number});
    server.done("POST", &format!("/v1/fulfillment-orders/{fulfillment}/ship"), &shipment);
    fulfillment
}

/// What a scanner finds in an answer that is a PNG file.
fn scanned(answer: &Answer) -> Vec<String> {
    assert_eq!((answer.status, answer.header("content-type")), (200, Some("image/png")));
    let mut reader = png::Decoder::new(std::io::Cursor::new(&answer.body)).read_info().expect("a PNG file");
    let mut bytes = vec![0; reader.output_buffer_size().expect("a size")];
    let info = reader.next_frame(&mut bytes).expect("a picture");
    let bit = |x: usize, y: usize| bytes[y * info.line_size + x / 8] & (0x80 >> (x % 8)) != 0;
    let (width, height) = (info.width as usize, info.height as usize);
    let dots = (0..height).flat_map(|y| (0..width).map(move |x| (x, y)));
    let luma = dots.map(|(x, y)| if bit(x, y) { 255 } else { 0 }).collect();
    let found = detect_multiple_in_luma(luma, info.width, info.height).expect("codes");
    let mut found: Vec<String> = found.iter().map(|code| code.getText().to_owned()).collect();
    found.sort();
    found
}

/// The lines of an answer that is a PDF file whose letters are in one font.
pub(crate) fn read(answer: &Answer) -> Vec<String> {
    let head = String::from_utf8_lossy(&answer.body[..answer.body.len().min(300)]).into_owned();
    assert_eq!((answer.status, answer.header("content-type")), (200, Some("application/pdf")), "{head}");
    let (mut letters, mut pages) = (HashMap::new(), Vec::new());
    for stream in streams(&answer.body) {
        let text = String::from_utf8_lossy(&stream).into_owned();
        for line in text.lines().filter(|line| text.contains("beginbfchar") && line.starts_with('<')) {
            let mut codes = line.split(['<', '>', ' ']).filter(|code| !code.is_empty());
            let mut code = || u32::from_str_radix(codes.next().expect("a code"), 16).expect("hexadecimal");
            let (from, to) = (code() as u8, code());
            letters.insert(from, char::from_u32(to).expect("a character"));
        }
        if text.lines().next().is_some_and(|line| line.ends_with("cm")) {
            pages.push(stream);
        }
    }
    pages.iter().flat_map(|page| shown(page)).map(|line| line.iter().map(|code| letters[code]).collect()).collect()
}

fn streams(file: &[u8]) -> Vec<Vec<u8>> {
    let find =
        |from: usize, what: &[u8]| Some(from + file[from..].windows(what.len()).position(|bytes| bytes == what)?);
    let (mut found, mut at) = (Vec::new(), 0);
    while let Some(begin) = find(at, b"stream\n") {
        let end = find(begin, b"\nendstream").expect("a stream ends");
        let mut inflated = Vec::new();
        flate2::read::ZlibDecoder::new(&file[begin + 7..end]).read_to_end(&mut inflated).expect("it is deflated");
        found.push(inflated);
        at = end + 10;
    }
    found
}

/// The texts that a page shows, in the codes of their font.
fn shown(page: &[u8]) -> Vec<Vec<u8>> {
    let (mut found, mut at) = (Vec::new(), 0);
    while at < page.len() {
        match page[at] {
            b'<' => {
                let digits: Vec<u8> = page[at + 1..].iter().copied().take_while(|byte| *byte != b'>').collect();
                let byte = |pair: &[u8]| u8::from_str_radix(&String::from_utf8_lossy(pair), 16).expect("hexadecimal");
                found.push(digits.chunks(2).map(byte).collect());
                at += digits.len() + 2;
            }
            b'(' => {
                let (mut text, mut depth) = (Vec::new(), 1);
                while depth > 0 {
                    at += 1;
                    match page[at] {
                        b'\\' => {
                            at += 1;
                            text.push(match page[at] {
                                b'n' => b'\n',
                                b'r' => b'\r',
                                b't' => b'\t',
                                b'b' => 8,
                                b'f' => 12,
                                digit @ b'0'..=b'7' => {
                                    let octal = |byte: u8| u32::from(byte - b'0');
                                    at += 2;
                                    (octal(digit) * 64 + octal(page[at - 1]) * 8 + octal(page[at])) as u8
                                }
                                other => other,
                            });
                        }
                        b'(' => {
                            depth += 1;
                            text.push(b'(');
                        }
                        b')' => {
                            depth -= 1;
                            if depth > 0 {
                                text.push(b')');
                            }
                        }
                        other => text.push(other),
                    }
                }
                found.push(text);
                at += 1;
            }
            _ => at += 1,
        }
    }
    found
}

fn holds(lines: &[String], wanted: &[&str]) {
    for line in wanted {
        assert!(lines.iter().any(|one| one == line), "{line:?} is not in {lines:?}");
    }
}

#[test]
fn a_label_is_printed_in_every_form_and_scanned_back() {
    served(|server| {
        let id = shipped(server, "o1", "carrier", "1Z 999");
        let label = |query: &str| server.get(&format!("/v1/fulfillment-orders/{id}/label{query}"));
        assert_eq!(scanned(&label("?format=png")), ["1Z 999", &format!("{id}\n1Z 999")]);
        let sscc = scanned(&label("?format=png&sscc=106141412345678908"));
        assert_eq!(sscc, ["00106141412345678908", "1Z 999", &format!("{id}\n1Z 999\n106141412345678908")]);

        let lines = read(&label(""));
        let to = ["Zamek Český Krumlov", "Národní památkový ústav", "Zámek 59", "381 01 Český Krumlov", "CZ"];
        holds(&lines, &to);
        holds(&lines, &["Łódź Fabryczna", "90-001 PL", "carrier", "ground", "Contents 0.900 kg", &id, "1Z 999"]);
        assert_eq!(read(&label("?format=pdf")), lines);

        let zpl = label("?format=zpl");
        assert_eq!((zpl.status, zpl.header("content-type")), (200, Some("application/zpl")));
        let text = String::from_utf8(zpl.body).expect("text");
        assert!(text.starts_with("^XA\n") && text.contains("^FD>:1Z 999^FS") && text.ends_with("^XZ\n"), "{text}");
    });
}

#[test]
fn a_label_that_cannot_be_printed_says_what_is_missing() {
    served(|server| {
        let id = ordered(server, "o1");
        let label = |query: &str| server.get(&format!("/v1/fulfillment-orders/{id}/label{query}"));
        let refused = |query: &str, status: u16, code: &str| {
            let answer = label(query);
            assert_eq!((answer.status, answer.code().as_str()), (status, code), "{query}: {}", answer.json());
            answer.json()
        };
        let early = refused("", 409, "label_incomplete");
        assert_eq!(early["missing"], json!(["carrier", "tracking_number"]));
        assert_eq!(refused("?carrier=c", 409, "label_incomplete")["missing"], json!(["tracking_number"]));
        // Before it leaves, the caller may say how it will.
        assert_eq!(scanned(&label("?format=png&carrier=c&tracking_number=T1")), ["T1", &format!("{id}\nT1")]);

        let wrong = refused("?format=bmp", 400, "unknown_word");
        assert_eq!(wrong["field"], "format");
        assert!(wrong["detail"].as_str().is_some_and(|told| told.contains("zpl, pdf, png")), "{wrong}");
        refused("?sscc=106141412345678900", 400, "invalid_sscc");
        refused("?sscc=1", 400, "invalid_sscc");
        refused("?size=a6", 400, "unknown_parameter");
        refused("?carrier=c&tracking_number=%C3%A9", 409, "not_a_bar_code");
        refused(&format!("?carrier=c&tracking_number={}", "x".repeat(40)), 409, "not_a_bar_code");
        steps(server, &id, &["cancel"]);
        refused("?carrier=c&tracking_number=T1", 409, "nothing_to_send");
        assert_eq!(server.get("/v1/fulfillment-orders/f-99-1/label").code(), "not_found");
        assert_eq!(server.get("/v1/fulfillment-orders/f-99-1/pick_list").code(), "not_found");
    });
}

#[test]
fn slips_and_lists_say_what_goes_and_what_is_left_to_pick() {
    served(|server| {
        let id = ordered(server, "o1");
        let paper = |name: &str| read(&server.get(&format!("/v1/fulfillment-orders/{id}/{name}")));
        steps(server, &id, &["accept"]);
        holds(&paper("pick_list"), &["Pick list", "mug", "Kubek Świętokrzyski", "cup", "Чашка", "3 units to pick"]);
        let some = json!({"lines": [{"line": "a", "quantity": 2}]});
        server.done("POST", &format!("/v1/fulfillment-orders/{id}/pick"), &some);
        let left = paper("pick_list");
        holds(&left, &["cup", "1 units to pick"]);
        assert!(!left.contains(&"mug".to_owned()), "{left:?}");
        steps(server, &id, &["pick"]);
        holds(&paper("pick_list"), &["Nothing is left to pick"]);
        let slip = paper("packing_slip");
        holds(&slip, &["Packing slip", &id, "o1", "W-o1", "mug", "cup", "2", "1", "3 units, 0.900 kg", "Zámek 59"]);
    });
}

#[test]
fn a_manifest_lists_what_a_carrier_took_in_a_day() {
    served(|server| {
        let first = shipped(server, "o1", "one", "T-1");
        shipped(server, "o2", "other", "T-2");
        let third = shipped(server, "o3", "one", "T-3");
        steps(server, &third, &["deliver"]);
        ordered(server, "o4");
        let order = server.get("/v1/orders/o1").json();
        assert!(order["fulfillment_orders"][0]["shipment"]["tracking_url"].is_null(), "nobody said where");
        let left = order["milestones"]["shipped"].as_str().expect("a time").parse::<jiff::Timestamp>().expect("a time");
        let day = left.to_zoned(jiff::tz::TimeZone::get("Europe/Warsaw").expect("a zone")).date();
        let manifest = |carrier: &str, day: jiff::civil::Date| {
            read(&server.get(&format!("/v1/nodes/lodz/manifest?carrier={carrier}&date={day}")))
        };
        let taken = manifest("one", day);
        holds(&taken, &["Manifest", "one", "T-1", &first, "T-3", &third, "CZ 381", "2 shipments, 6 units, 1.800 kg"]);
        assert!(!taken.contains(&"T-2".to_owned()), "{taken:?}");
        holds(&manifest("other", day), &["T-2", "1 shipments, 3 units, 0.900 kg"]);
        holds(&manifest("one", day.yesterday().expect("a day")), &["0 shipments, 0 units, 0.000 kg"]);
        let refused = |path: &str| server.get(path).code();
        assert_eq!(refused("/v1/nodes/none/manifest?carrier=one&date=2026-01-01"), "not_found");
        assert_eq!(refused("/v1/nodes/lodz/manifest?carrier=one&date=today"), "invalid_time");
        assert_eq!(refused("/v1/nodes/lodz/manifest"), "validation_failed");
    });
}

#[test]
fn a_return_has_a_label_for_every_parcel() {
    served(|server| {
        let id = shipped(server, "o1", "one", "T-1");
        steps(server, &id, &["deliver"]);
        let asked =
            json!({"id": "back-1", "order": "o1", "lines": [{"line": "a", "quantity": 2, "reason": "too small"}]});
        assert_eq!(server.ask("POST", "/v1/returns", &asked).status, 201);
        server.done("POST", "/v1/returns/back-1/approve", &json!({}));
        let label = |number: &str, query: &str| server.get(&format!("/v1/returns/back-1/labels/{number}{query}"));
        assert_eq!(label("1", "").code(), "not_found");
        let parcel: Value = json!({"carrier": "one", "service": "back", "tracking_number": "R-1"});
        server.done("POST", "/v1/returns/back-1/labels", &parcel);
        let lines = read(&label("1", ""));
        holds(&lines, &["RETURN", "Zamek Český Krumlov", "Łódź Fabryczna", "one", "back", "R-1", "Contents 0.700 kg"]);
        let codes = scanned(&label("1", "?format=png"));
        assert!(codes.contains(&"R-1".to_owned()) && codes.iter().any(|code| code.ends_with("/1\nR-1")), "{codes:?}");
        assert!(label("1", "?format=zpl").body.starts_with(b"^XA"));
        for none in ["0", "2", "x"] {
            assert_eq!(label(none, "").code(), "not_found", "{none}");
        }
        assert_eq!(label("1", "?format=gif").code(), "unknown_word");
    });
}

#[test]
fn parcels_have_numbers_of_their_own_on_label_manifest_and_to_be_asked_by() {
    served(|server| {
        let id = ordered(server, "o1");
        steps(server, &id, &["accept", "pick", "pack"]);
        let own = |what: &str| format!("/v1/fulfillment-orders/{id}/{what}");
        let parcels = json!({"carrier": "one", "parcels": [{"weight_g": 700}, {}]});
        assert_eq!(server.get("/v1/sscc-numbers").status, 404);
        assert_eq!(server.ask("POST", &own("parcels"), &parcels).code(), "not_packable", "there are no numbers");
        server.done("PUT", "/v1/sscc-numbers", &json!({"company_prefix": "4012345", "extension_digit": 3}));
        let packed = server.done("POST", &own("parcels"), &parcels);
        let number = |at: usize| packed["parcels"][at]["sscc"].as_str().expect("a number").to_owned();
        let (first, second) = (number(0), number(1));
        assert!(first.starts_with("34012345000000001") && second.starts_with("34012345000000002"), "{packed}");
        assert_eq!(server.get("/v1/sscc-numbers").json()["left"], 999_999_997);
        assert_eq!(server.ask("POST", &own("parcels"), &parcels).code(), "not_packable", "it has some");

        let label = |parcel: u32| server.get(&own(&format!("label?format=png&tracking_number=T-1&parcel={parcel}")));
        assert!(scanned(&label(2)).contains(&format!("00{second}")), "its carrier is that of its parcels");
        assert_eq!(label(3).code(), "not_found");
        let asked = |sscc: &str| server.get(&format!("/v1/parcels/{sscc}")).json();
        assert_eq!((&asked(&second)["fulfillment_order"], &asked(&second)["status"]), (&json!(id), &json!("packed")));
        assert_eq!(asked("106141412345678908")["code"], "not_found");
        assert_eq!(server.get("/v1/parcels/106141412345678900").status, 422);

        let shipment = json!({"carrier": "one", "service": "ground", "tracking_number": "T-1"});
        server.done("POST", &own("ship"), &shipment);
        server.done(
            "POST",
            &own("tracking"),
            &json!({"events": [{"at": "2026-01-01T00:00:00Z", "status": "in_transit"}]}),
        );
        assert_eq!(asked(&first)["tracking"]["status"], "in_transit");
        let left = server.get(&own("parcels")).json();
        let date = left["manifest"]["date"].as_str().expect("a day").to_owned();
        let manifest = || read(&server.get(&format!("/v1/nodes/lodz/manifest?carrier=one&date={date}")));
        holds(&manifest(), &["T-1", &first, &second, "1 shipments, 3 units, 0.900 kg"]);

        let late = ordered(server, "o2");
        steps(server, &late, &["accept", "pick", "pack"]);
        server.done("POST", &format!("/v1/fulfillment-orders/{late}/parcels"), &parcels);
        let close = json!({"carrier": "one", "date": date});
        let closed = server.done("POST", "/v1/nodes/lodz/close_out", &close);
        assert_eq!(
            (&closed["shipments"], &closed["parcels"], &closed["left_behind"]),
            (&json!(1), &json!(2), &json!(1))
        );
        let case = server.get(&format!("/v1/exceptions/x-not_handed_over-{late}")).json();
        assert_eq!(case["status"], "open", "{case}");
        assert_eq!(server.ask("POST", "/v1/nodes/lodz/close_out", &close).code(), "manifest_closed");
        assert_eq!(server.get(&format!("/v1/nodes/lodz/close_out?carrier=one&date={date}")).json(), closed);
        server.done("POST", &format!("/v1/fulfillment-orders/{late}/ship"), &shipment);
        assert!(!manifest().contains(&late), "what leaves afterwards is on another");
    });
}

#[test]
fn what_leaves_without_numbers_is_closed_out_as_the_paper_lists_it() {
    served(|server| {
        let first = shipped(server, "o1", "one", "T-1");
        let close = json!({"carrier": "one"});
        let closed = server.done("POST", "/v1/nodes/lodz/close_out", &close);
        assert_eq!((&closed["shipments"], &closed["left_behind"]), (&json!(1), &json!(0)));
        let date = closed["date"].as_str().expect("a day").to_owned();
        // So that the clock has gone on.
        let late = shipped(server, "o2", "one", "T-2");
        let manifest = || read(&server.get(&format!("/v1/nodes/lodz/manifest?carrier=one&date={date}")));
        holds(&manifest(), &[&first, "1 shipments, 3 units, 0.900 kg"]);
        assert!(!manifest().contains(&late), "what leaves afterwards is on another");
    });
}

#[test]
fn orders_in_one_parcel_have_one_slip_one_label_and_one_row() {
    served(|server| {
        let (a, b) = (ordered(server, "o1"), ordered(server, "o2"));
        server.done("POST", "/v1/orders/o1/consolidate", &json!({"orders": ["o2"]}));
        for id in [&a, &b] {
            steps(server, id, &["accept", "pick", "pack"]);
        }
        let own = |id: &str, what: &str| read(&server.get(&format!("/v1/fulfillment-orders/{id}/{what}")));
        for id in [&a, &b] {
            holds(&own(id, "packing_slip"), &["6 units, 1.800 kg", "WITH ORDERS"]);
            holds(&own(id, "label?carrier=one&tracking_number=T-1"), &["Contents 1.800 kg"]);
        }
        let shipment = json!({"carrier": "one", "service": "ground", "tracking_number": "T-1"});
        server.done("POST", &format!("/v1/fulfillment-orders/{b}/ship"), &shipment);
        let order = server.get("/v1/orders/o1").json();
        let left = order["milestones"]["shipped"].as_str().expect("a time").parse::<jiff::Timestamp>().expect("a time");
        let day = left.to_zoned(jiff::tz::TimeZone::get("Europe/Warsaw").expect("a zone")).date();
        let manifest = read(&server.get(&format!("/v1/nodes/lodz/manifest?carrier=one&date={day}")));
        holds(&manifest, &["T-1", &a, "+1", "1 shipments, 6 units, 1.800 kg"]);
        assert_eq!(manifest.iter().filter(|line| *line == "T-1").count(), 1);
    });
}
