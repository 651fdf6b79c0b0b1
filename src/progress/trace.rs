//! Writes spans as a trace in Chrome's Trace Event Format (a JSON array), for <https://ui.perfetto.dev> or
//! `chrome://tracing`.

use super::listening::{SpanFields, Values, keep, keep_more, text};
use super::{STEP, WARNING};
use serde_json::{Value, json};
use std::io::{BufWriter, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::LookupSpan;

/// The trace file; it is open until [`TraceFile::finish`].
pub(super) struct TraceFile {
    writer: Mutex<Option<BufWriter<Box<dyn Write + Send>>>>,
    begin: Instant,
}

/// The `tracing` layer that writes to the trace file.
pub(super) struct Tracing(pub(super) Arc<TraceFile>);

impl TraceFile {
    pub(super) fn new(file: Box<dyn Write + Send>) -> Self {
        let mut writer = BufWriter::new(file);
        let head = json!({"name": "process_name", "ph": "M", "pid": 1, "args": {"name": "recon"}});
        let _ = write!(writer, "[\n{head}");
        Self { writer: Mutex::new(Some(writer)), begin: Instant::now() }
    }

    /// Closes the JSON array and the file.
    pub(super) fn finish(&self) -> std::io::Result<()> {
        let writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner).take();
        writer.map_or(Ok(()), |mut writer| writer.write_all(b"\n]\n").and_then(|()| writer.flush()))
    }

    /// Writes one event: `phase` is B(egin), E(nd), C(ounter) or i(nstant). An event that cannot be written is dropped.
    fn write(&self, phase: &str, name: &str, values: Value) {
        let time = self.begin.elapsed().as_nanos() as f64 / 1000.0;
        let event = json!({"name": name, "ph": phase, "ts": time, "pid": 1, "tid": thread(), "args": values});
        if let Some(writer) = self.writer.lock().unwrap_or_else(PoisonError::into_inner).as_mut() {
            let _ = write!(writer, ",\n{event}");
        }
    }
}

/// Number of this thread, counted from 1.
fn thread() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    thread_local! {
        static NUMBER: u64 = NEXT.fetch_add(1, Ordering::Relaxed);
    }
    NUMBER.with(|number| *number)
}

impl Tracing {
    fn mark<S: Subscriber + for<'a> LookupSpan<'a>>(&self, phase: &str, id: &Id, context: &Context<S>) {
        let Some(span) = context.span(id) else { return };
        let extensions = span.extensions();
        let Some(fields) = extensions.get::<SpanFields>() else { return };
        let given = ["label", "task", "stage"].into_iter().find_map(|name| text(&fields.values, name));
        let name = given.unwrap_or_else(|| span.name().to_string());
        self.0.write(phase, &name, Value::Object(fields.values.clone()));
    }
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Tracing {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        keep(attributes, id, &context);
    }

    fn on_record(&self, id: &Id, record: &Record<'_>, context: Context<'_, S>) {
        keep_more(id, record, &context);
    }

    fn on_enter(&self, id: &Id, context: Context<'_, S>) {
        self.mark("B", id, &context);
    }

    fn on_exit(&self, id: &Id, context: Context<'_, S>) {
        self.mark("E", id, &context);
    }

    fn on_event(&self, event: &Event<'_>, _context: Context<'_, S>) {
        match event.metadata().target() {
            STEP => {
                let values = Values::of(event);
                if let Some(loss) = values.get("loss") {
                    self.0.write("C", "loss", json!({"loss": loss}));
                }
            }
            WARNING => {
                let mut values = Value::Object(Values::of(event));
                super::cover_json(&mut values);
                self.0.write("i", "warning", values);
            }
            _ => {}
        }
    }
}
