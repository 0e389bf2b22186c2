//! The report's folder. It is made before anything is read, so that a run never ends with nowhere
//! to write; files are written beside their place and moved there whole, readable by their owner
//! alone, because logs of a clinic are confidential.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Write as _};
use std::path::{Path, PathBuf};

use anyhow::Context as _;

use crate::cli::Format;
use crate::report::{Report, csv, html, json};

pub(in crate::commands) struct Folder(PathBuf);

/// What is written at once: reports have some megabytes, in millions of small pieces.
const BUFFER: usize = 64 << 10;

impl Folder {
    pub(in crate::commands) fn open(path: &Path) -> anyhow::Result<Self> {
        let cannot = || format!("cannot write the report to {}", path.display());
        let mut builder = fs::DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(path).with_context(cannot)?;
        let probe = path.join(".trailscan-probe");
        create_private(&probe).with_context(cannot)?;
        fs::remove_file(&probe).with_context(cannot)?;
        Ok(Self(path.to_owned()))
    }

    /// Writes the files asked for; answers their paths.
    pub(super) fn write(&self, report: &Report, formats: &[Format]) -> anyhow::Result<Vec<String>> {
        let mut files = Vec::new();
        if formats.contains(&Format::Html) {
            files.push(self.stream("report.html", |out| html::write(report, out))?);
        }
        if formats.contains(&Format::Json) {
            files.push(self.stream("findings.json", |out| json::findings(report, out))?);
        }
        if formats.contains(&Format::Csv) {
            files.push(self.stream("findings.csv", |out| csv::findings(report, out))?);
        }
        files.push(self.stream("coverage.json", |out| json::coverage(report, out))?);
        files.push(self.stream("run.json", |out| json::run(report, out))?);
        Ok(files)
    }

    pub(in crate::commands) fn file(&self, name: &str, bytes: &[u8]) -> anyhow::Result<String> {
        self.stream(name, |out| out.write_all(bytes))
    }

    /// Writes a file that need not be in memory as a whole; answers its path.
    pub(in crate::commands) fn stream(
        &self,
        name: &str,
        write: impl FnOnce(&mut BufWriter<File>) -> io::Result<()>,
    ) -> anyhow::Result<String> {
        let place = self.0.join(name);
        let beside = self.0.join(format!(".{name}.new"));
        let written = || {
            let mut out = BufWriter::with_capacity(BUFFER, create_private(&beside)?);
            write(&mut out)?;
            out.into_inner()?.sync_all()?;
            fs::rename(&beside, &place)
        };
        written().with_context(|| format!("cannot write {}", place.display()))?;
        Ok(place.display().to_string())
    }

    /// A file for the time of the run.
    pub(in crate::commands) fn scratch(&self, name: &str) -> anyhow::Result<(PathBuf, File)> {
        let place = self.0.join(name);
        let file = create_private(&place);
        let file = file.with_context(|| format!("cannot write {}", place.display()))?;
        Ok((place, file))
    }
}

fn create_private(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}
