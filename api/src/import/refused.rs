//! The rows that were refused, beside their reasons, in a file of the same columns: mended, it can be imported again.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use entity::kind::Kind;

/// Writes `sales.refused.csv` for `sales.csv`, one a file that has any.
pub struct Refused {
    /// `None`: beside the file.
    folder: Option<PathBuf>,
    open: BTreeMap<PathBuf, csv::Writer<File>>,
}

impl Refused {
    pub fn new(folder: Option<&Path>) -> Self {
        Refused { folder: folder.map(Path::to_owned), open: BTreeMap::new() }
    }

    /// Makes sure that the rows of `source` could be written, and takes away what an earlier import wrote. A folder that was
    /// asked for is made.
    pub fn prepare(&self, source: &Path) -> io::Result<()> {
        if let Some(folder) = &self.folder {
            fs::create_dir_all(folder)?;
        }
        let target = self.target(source);
        let folder = target.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        rustix::fs::access(folder, rustix::fs::Access::WRITE_OK)?;
        match fs::remove_file(&target) {
            Err(cause) if cause.kind() != io::ErrorKind::NotFound => Err(cause),
            _ => Ok(()),
        }
    }

    /// Adds a row: the line it began on, what it was read as, why it was refused, and its cells as they stood there.
    pub fn add(
        &mut self,
        source: &Path,
        headers: &[String],
        kind: Kind,
        line: u64,
        reason: &str,
        cells: &[String],
    ) -> io::Result<()> {
        let target = self.target(source);
        if !self.open.contains_key(&target) {
            // Rows whose width is wrong are kept as they are.
            let mut writer = csv::WriterBuilder::new().flexible(true).from_path(&target).map_err(io::Error::other)?;
            let own = ["refused_line", "refused_as", "refused_because"];
            let names = own.into_iter().chain(headers.iter().map(String::as_str));
            writer.write_record(names).map_err(io::Error::other)?;
            self.open.insert(target.clone(), writer);
        }
        let Some(writer) = self.open.get_mut(&target) else { return Ok(()) };
        let own = [line.to_string(), kind.to_string(), reason.to_owned()];
        writer.write_record(own.iter().chain(cells)).map_err(io::Error::other)
    }

    /// Closes the files and names them.
    pub fn finish(self) -> io::Result<Vec<PathBuf>> {
        let mut written = Vec::new();
        for (path, mut writer) in self.open {
            writer.flush()?;
            written.push(path);
        }
        Ok(written)
    }

    /// `sales/pipeline.csv` → `sales/pipeline.refused.csv`
    pub fn target(&self, source: &Path) -> PathBuf {
        let target = source.with_extension("refused.csv");
        match (&self.folder, target.file_name()) {
            (Some(folder), Some(name)) => folder.join(name),
            _ => target,
        }
    }
}
