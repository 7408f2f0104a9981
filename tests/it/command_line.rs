//! The binary from outside: exit codes, imports line by line, an orderly stop, a dump, a check that finds damage.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

fn ordain(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_ordain")).args(arguments).output().expect("the binary runs")
}

fn code(output: &Output) -> i32 {
    output.status.code().expect("it ended by itself")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A server on a free port.
struct Server {
    child: Child,
    url: String,
}

impl Server {
    fn start(data: &Path) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_ordain"))
            .args(["serve", "--listen", "127.0.0.1:0", "--data"])
            .arg(data)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("the binary runs");
        let mut line = String::new();
        let stdout = child.stdout.take().expect("stdout is piped");
        BufReader::new(stdout).read_line(&mut line).expect("the server tells where it listens");
        let url = line.trim().strip_prefix("listening on ").expect("one line").to_owned();
        Self { child, url }
    }

    fn stop(mut self) {
        let id = Pid::from_raw(self.child.id() as i32).expect("a process has an id");
        kill_process(id, Signal::TERM).expect("the server can be told to stop");
        assert!(self.child.wait().expect("it ends").success(), "an orderly stop is exit code 0");
    }
}

#[test]
fn a_word_it_does_not_know_is_usage() {
    for line in [&["serv"][..], &["serve"], &["import", "things", "-"], &["serve", "--data", "x", "--currency", "usd"]]
    {
        let output = ordain(line);
        assert_eq!(code(&output), 2, "{line:?}");
        assert!(!output.stderr.is_empty() && output.stdout.is_empty(), "{line:?}: usage goes to stderr");
    }
    assert_eq!(code(&ordain(&["--help"])), 0);
    assert_eq!(code(&ordain(&["import", "items", "-", "--url", "http://127.0.0.1:1"])), 1, "nobody listens there");
}

#[test]
fn an_import_tells_line_by_line_what_was_refused_and_the_directory_can_be_checked_and_dumped() {
    let (data, files) = (TempDir::new().expect("a folder"), TempDir::new().expect("a folder"));
    let path = |name: &str| files.path().join(name).to_string_lossy().into_owned();
    let write = |name: &str, text: &str| fs::write(path(name), text).expect("a file can be written");
    write(
        "items.csv",
        "sku,name,kind,weight_g,dimensions_mm.length,dimensions_mm.width,dimensions_mm.height,value.amount,value.currency\n\
         mug,Mug,product,350,90,90,100,1200,USD\n\
         cup,Cup,product,heavy,90,90,100,1200,USD\n\
         jug,Jug,product,900,190,190,200,2400,USD\n",
    );
    write(
        "nodes.ndjson",
        r#"{"id":"chicago","kind":"warehouse","name":"Chicago","latitude":41.88,"longitude":-87.63,"country":"US","postal_code":"60602","time_zone":"America/Chicago","active":true}"#,
    );
    write("stock.ndjson", "{\"sku\":\"mug\",\"node\":\"chicago\",\"on_hand\":12}\n");

    let server = Server::start(data.path());
    let import = |kind: &str, file: &str, more: &[&str]| {
        let file = path(file);
        let line: Vec<&str> = [&["import", kind, &file, "--url", &server.url][..], more].concat();
        ordain(&line)
    };
    let items = import("items", "items.csv", &[]);
    assert_eq!(code(&items), 1, "{}", text(&items.stderr));
    assert_eq!(text(&items.stdout), "2 lines taken in, 1 refused\n");
    assert!(text(&items.stderr).starts_with("line 3: ") && text(&items.stderr).contains("weight_g"), "{items:?}");
    let strict = import("items", "items.csv", &["--strict"]);
    assert_eq!(text(&strict.stdout), "1 lines taken in, 1 refused\n", "{}", text(&strict.stderr));
    for (kind, file) in [("nodes", "nodes.ndjson"), ("stock", "stock.ndjson")] {
        let output = import(kind, file, &[]);
        assert_eq!(code(&output), 0, "{kind}: {}", text(&output.stderr));
    }
    let ended = |id: &str, closed_at: &str| {
        format!(
            r#"{{"id":"{id}","type":"standard","channel":"web","channel_order_id":"{id}","customer":{{"id":"c-1"}},"ship_to":{{"name":"","line1":"1 Main","city":"Chicago","region":"IL","postal_code":"60602","country":"US"}},"lines":[{{"sku":"mug","quantity":2,"unit_price":{{"amount":1200,"currency":"USD"}}}}],"delivery_method":"ship","placed_at":"2019-05-01T00:00:00Z","closed_at":"{closed_at}","shipments":[{{"node":"chicago","carrier":"ups"}}]}}"#
        )
    };
    write(
        "history.ndjson",
        &format!("{}\n{}\n", ended("h-1", "2019-05-03T00:00:00Z"), ended("h-2", "2018-01-01T00:00:00Z")),
    );
    let history = import("history", "history.ndjson", &[]);
    assert_eq!(text(&history.stdout), "1 lines taken in, 1 refused\n", "{}", text(&history.stderr));
    assert!(text(&history.stderr).contains("closed_at"), "{}", text(&history.stderr));
    let folder = data.path().to_string_lossy().into_owned();
    assert_eq!(code(&ordain(&["check", "--data", &folder])), 1, "a server holds the directory");
    server.stop();

    let dump = ordain(&["dump", "--data", &folder, "--after", "1"]);
    assert_eq!(code(&dump), 0, "{}", text(&dump.stderr));
    let records: Vec<serde_json::Value> =
        text(&dump.stdout).lines().map(|line| serde_json::from_str(line).expect("a line is JSON")).collect();
    assert_eq!(records[0]["seq"], 2);
    assert!(records.iter().any(|record| record["events"][0]["type"] == "stock_moved"), "{records:?}");
    assert!(records.iter().any(|record| record["events"][0]["type"] == "order_imported"), "{records:?}");

    let check = ordain(&["check", "--data", &folder]);
    assert_eq!(code(&check), 0, "{}", text(&check.stdout));
    assert!(text(&check.stdout).contains("state        "), "{}", text(&check.stdout));
}

#[test]
fn a_second_currency_is_refused() {
    let data = TempDir::new().expect("a folder");
    Server::start(data.path()).stop();
    let folder = data.path().to_string_lossy().into_owned();
    let output = ordain(&["serve", "--data", &folder, "--listen", "127.0.0.1:0", "--currency", "EUR"]);
    assert_eq!(code(&output), 1);
    assert!(text(&output.stderr).contains("USD") && text(&output.stderr).contains("EUR"), "{}", text(&output.stderr));
}

#[test]
fn damage_is_exit_code_3() {
    let data = TempDir::new().expect("a folder");
    Server::start(data.path()).stop();
    let mark = data.path().join("MARK");
    let mut bytes = Vec::new();
    fs::File::open(&mark).and_then(|mut file| file.read_to_end(&mut bytes)).expect("there is a high-water mark");
    bytes.iter_mut().for_each(|byte| *byte ^= 0x55);
    fs::write(&mark, bytes).expect("it can be damaged");
    let folder = data.path().to_string_lossy().into_owned();
    for line in [&["check", "--data", &folder][..], &["dump", "--data", &folder], &["serve", "--data", &folder]] {
        let output = ordain(line);
        assert_eq!(code(&output), 3, "{line:?}: {}{}", text(&output.stdout), text(&output.stderr));
    }
}

/// The story checks itself: what it sold, and that the state after its restart is the state before.
#[test]
fn the_demo_plays_its_story_to_the_end() {
    let output = ordain(&["demo", "--once"]);
    let told = text(&output.stdout);
    assert_eq!(code(&output), 0, "{told}{}", text(&output.stderr));
    assert!(told.contains("sold 1000, left 0, stock was 1000"), "{told}");
    assert!(told.contains("same state"), "{told}");
}

#[test]
fn a_backup_of_a_running_server_is_restored_elsewhere_and_served() {
    let (data, files) = (TempDir::new().expect("a folder"), TempDir::new().expect("a folder"));
    let path = |name: &str| files.path().join(name).to_string_lossy().into_owned();
    let server = Server::start(data.path());
    let nodes = r#"{"id":"chicago","kind":"warehouse","name":"Chicago","latitude":41.88,"longitude":-87.63,"country":"US","postal_code":"60602","time_zone":"America/Chicago","active":true}"#;
    fs::write(path("nodes.ndjson"), nodes).expect("a file can be written");
    assert_eq!(code(&ordain(&["import", "nodes", &path("nodes.ndjson"), "--url", &server.url])), 0);

    let backup = || ordain(&["backup", &path("shop.backup"), "--url", &server.url]);
    let taken = backup();
    assert_eq!(code(&taken), 0, "{}", text(&taken.stderr));
    assert_eq!(code(&backup()), 1, "a backup is never written over another");
    server.stop();

    let restored = ordain(&["restore", &path("shop.backup"), "--data", &path("shop")]);
    assert_eq!(code(&restored), 0, "{}", text(&restored.stderr));
    let state = |output: &std::process::Output| {
        let printed = text(&output.stdout);
        printed.lines().find(|line| line.starts_with("state")).map(str::to_owned).expect("a state is printed")
    };
    let origin = ordain(&["check", "--data", &data.path().to_string_lossy()]);
    assert_eq!(state(&restored), state(&origin), "the same state, hash for hash");
    let server = Server::start(files.path().join("shop").as_path());
    server.stop();

    let whole = fs::read(path("shop.backup")).expect("the backup is there");
    fs::write(path("cut.backup"), &whole[..whole.len() - 9]).expect("a file can be written");
    let refused = ordain(&["restore", &path("cut.backup"), "--data", &path("other")]);
    assert_eq!(code(&refused), 3, "{}", text(&refused.stderr));
    assert!(text(&refused.stderr).contains("the backup is damaged") && !files.path().join("other").exists());
}
