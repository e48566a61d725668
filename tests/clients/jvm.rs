//! Clients that openapi-generator makes, on a Java machine: Java's is compiled and tells the story; Swift's, Dart's and C#'s are made,
//! and the generator has nothing to say against any shape of the document.

use std::path::{Path, PathBuf};

use tokio::process::Command;

use super::{commands, document_is_current, is_locked, stage};
use crate::tools::{Python, present, present_file, root, succeed};

/// Quick to start is better here than quick in the long run.
const SWIFTLY: &str = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC";
/// An example that is an object is left out of a comment, a model whose name the language keeps for itself gets another one, and
/// it is told that a file has no enumeration.
const HARMLESS: [&str; 3] = [
    "Ignoring complex example on request body",
    "(reserved word) cannot be used as model name",
    // The type of a file, in the language at hand.
    "Could not compute datatypeWithEnum from",
];
/// How Java's client sends forms with files; Debian's package `libhttpmime-java`.
const FORMS: [&str; 2] = ["/usr/share/java/httpmime.jar", "/usr/share/java/httpcore.jar"];

/// The generator: a program that Python's package manager brings.
struct Generator(PathBuf);

impl Generator {
    async fn install() -> Option<Self> {
        if !(present("java").await && present("javac").await) {
            return None;
        }
        let python = Python::install().await?;
        let program = "import openapi_generator_cli as it; print(it.__path__[0])";
        let folder = python.run("openapi", "python", &["-c", program], &[]).await;
        Some(Generator(Path::new(folder.trim()).join("openapi-generator.jar")))
    }

    /// Makes a client in a fresh folder of `openapi/java/generated`. No warning is left unread.
    async fn generate(&self, name: &str, options: &str) -> PathBuf {
        let into = folder().join("generated").join(name);
        std::fs::remove_dir_all(&into)
            .or_else(|error| if into.exists() { Err(error) } else { Ok(()) })
            .expect("removed");
        let mut command = Command::new("java");
        command.args(SWIFTLY.split(' ')).arg("-jar").arg(&self.0).args(["generate", "-g", name, "-i"]);
        command.arg(root().join("openapi/openapi.json")).arg("-o").arg(&into);
        let parts = "apis,models,supportingFiles,modelDocs=false,apiDocs=false,modelTests=false,apiTests=false";
        command.args(["--global-property", parts]).args(options.split_whitespace());
        let told = succeed(command).await;
        let complaints: Vec<&str> = told
            .lines()
            .filter(|line| line.contains("WARN") || line.contains("ERROR"))
            .filter(|line| !HARMLESS.iter().any(|known| line.contains(known)))
            .collect();
        assert!(complaints.is_empty(), "{name}: {complaints:#?}");
        into
    }
}

fn folder() -> PathBuf {
    root().join("openapi/java")
}

fn files(folder: &Path, ending: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path());
    let found = entries.flat_map(|path| if path.is_dir() { files(&path, ending) } else { vec![path] });
    found.filter(|path| path.extension().is_some_and(|it| it == ending)).collect()
}

#[tokio::test]
async fn a_java_client_tells_the_story() {
    document_is_current();
    let shown = commands("## Java");
    let [install, generate] = &shown[..] else { panic!("other commands: {shown:?}") };
    is_locked(install, "openapi/python/requirements.txt");
    let generate = generate.strip_prefix("openapi-generator-cli generate -g java").expect("the generator");
    let options = generate.replace("-i http://localhost:8080/openapi.json -o waypost-client", "");
    let Some(generator) = Generator::install().await else { return };
    if !FORMS.iter().all(|jar| present_file(Path::new(jar))) {
        return;
    }
    let client = generator.generate("java", &options).await;
    let classes = folder().join("generated/classes");
    // What else the client rests on, Jackson above all, is within the generator.
    let jars = FORMS.map(PathBuf::from).into_iter().chain([generator.0.clone()]);
    let path = std::env::join_paths(jars.chain([classes.clone()])).expect("a path");
    let mut compile = Command::new("javac");
    compile
        .args(SWIFTLY.split(' ').map(|option| format!("-J{option}")))
        .args(["-encoding", "UTF-8", "-proc:none", "-nowarn", "-d"])
        .arg(&classes);
    compile.arg("-cp").arg(&path).args(files(&client.join("src/main/java"), "java"));
    compile.args([folder().join("Story.java"), folder().join("javax/annotation/Generated.java")]);
    succeed(compile).await;
    let (world, variables) = stage().await;
    let mut story = Command::new("java");
    story.args(SWIFTLY.split(' ')).arg("-cp").arg(path).arg("Story");
    story.envs(variables.iter().map(|(name, value)| (name, value)));
    assert!(succeed(story).await.contains("told: 8 writes"));
    world.audit().await;
}

#[tokio::test]
async fn swift_dart_and_csharp_clients_are_generated() {
    document_is_current();
    let Some(generator) = Generator::install().await else { return };
    for (name, ending) in [("swift6", "swift"), ("dart", "dart"), ("csharp", "cs")] {
        let client = generator.generate(name, "").await;
        let made = files(&client, ending);
        let whole = |it: &&str| {
            made.iter().any(|file| {
                file.file_stem().is_some_and(|stem| stem.to_string_lossy().replace('_', "").eq_ignore_ascii_case(it))
            })
        };
        let missing: Vec<_> = ["SyncApi", "Mutation", "SyncChange", "AccountFields", "Problem"]
            .into_iter()
            .filter(|it| !whole(it))
            .collect();
        assert!(missing.is_empty(), "{name}: no {missing:?} among {} files", made.len());
    }
}
