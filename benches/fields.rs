//! Running times of the fields: `cargo bench --bench fields` times evaluation and training step (forward, backward,
//! Adam) of the kernels, and the training step of the tensor expressions. With `-- --serve` it answers requests of
//! `benches/peers/fields.py` (one per line of stdin: field; inputs; points; steps), which times PyTorch in alternation.

use criterion::{Criterion, Throughput};
use recon::fields::{Domain, Field, FieldKind};
use recon::optimizers::{Optimizer, UpdateRule, adam};
use recon::registry::OneOf;
use std::hint::black_box;
use std::io::{BufRead, Write};
use std::time::Instant;
use tch::{Device, Kind, Tensor};

/// Name, field and number of inputs.
const FIELDS: [(&str, &str, usize); 9] = [
    ("siren 3x256", "siren: {width: 256, depth: 3}", 3),
    ("siren 3x256 bf16", "siren: {width: 256, depth: 3, precision: bf16}", 3),
    (
        "hash 2-D",
        "mlp: {encoding: {hash_grid: {levels: 8, features: 2, base: 4, finest: 128}}, width: 64, depth: 2}",
        2,
    ),
    (
        "hash 3-D",
        "mlp: {encoding: {hash_grid: {levels: 16, features: 2, base: 8, finest: 256}}, width: 64, depth: 2}",
        3,
    ),
    (
        "dense 3-D",
        "mlp: {encoding: {dense_grid: {resolutions: [4, 8, 16, 32, 64], features: 4}}, width: 64, depth: 2}",
        3,
    ),
    ("planes 3-D", "mlp: {encoding: {tri_plane: {combine: concatenate}}, width: 64, depth: 2}", 3),
    ("fourier relu 3x64", "mlp: {encoding: {fourier: {features: 64}}, width: 64, depth: 3}", 3),
    ("finer 3x256", "mlp: {encoding: identity, activation: finer, width: 256, depth: 3}", 3),
    ("voxels", "voxels", 3),
];

/// A field that is fitted to a sine wave at fixed points.
struct Work {
    field: Box<dyn Field>,
    optimizer: Box<dyn Optimizer>,
    points: Tensor,
    target: Tensor,
}

impl Work {
    fn new(text: &str, inputs: usize, points: usize) -> Self {
        let kind: OneOf<FieldKind> = serde_yaml::from_str(text).expect("a field");
        let domain = Domain::cube(inputs, 64).expect("a cube");
        let field = kind.kind.as_part().build(&domain, 0, (Kind::Float, Device::Cpu)).expect("a valid field");
        let values: Vec<f32> = (0..inputs * points).map(|i| ((i * 7919) % 2001) as f32 / 1000.0 - 1.0).collect();
        let points = Tensor::from_slice(&values).view([points as i64, inputs as i64]);
        let target = (points.sum_dim_intlist(1i64, false, Kind::Float) * 3.0).sin();
        let optimizer = adam::Config::default().build(field.parameters());
        Self { field, optimizer, points, target }
    }

    fn evaluate(&self) {
        drop(black_box(self.field.evaluate(&self.points).expect("memory")));
    }

    /// One optimiser step for the loss ½ Σ (f − target)².
    fn step(&mut self) {
        self.field.accumulate(&self.points, &mut |values| Ok(values - &self.target)).expect("memory");
        self.optimizer.step(self.field.parameters(), 1e-4).expect("memory");
    }

    fn reference_step(&mut self) {
        let residual = self.field.attenuation(&self.points).expect("memory") - &self.target;
        (residual.square().sum(Kind::Float) * 0.5).backward();
        self.optimizer.step(self.field.parameters(), 1e-4).expect("memory");
    }
}

/// Answers each request with the median seconds per step, after one untimed step.
fn serve() -> std::io::Result<()> {
    let mut last: Option<(String, Work)> = None;
    for line in std::io::stdin().lock().lines() {
        let line = line?;
        let words: Vec<&str> = line.split(';').map(str::trim).collect();
        let [text, inputs, points, steps] = words[..] else { continue };
        let [Ok(inputs), Ok(points), Ok(steps)] = [inputs, points, steps].map(str::parse::<usize>) else { continue };
        let (_, work) = match last.take() {
            Some((same, work)) if same == line => last.insert((same, work)),
            _ => last.insert((line.clone(), Work::new(text, inputs, points))),
        };
        work.step();
        let mut seconds: Vec<f64> = (0..steps.max(1))
            .map(|_| {
                let start = Instant::now();
                work.step();
                start.elapsed().as_secs_f64()
            })
            .collect();
        seconds.sort_by(f64::total_cmp);
        writeln!(std::io::stdout(), "{}", seconds[seconds.len() / 2])?;
    }
    Ok(())
}

fn main() -> std::io::Result<()> {
    // The same setting as in the program, so that the benchmark times the same code.
    recon::tensors::spin_briefly();
    recon::tensors::keep_freed();
    tch::set_num_threads(std::thread::available_parallelism().map_or(1, |n| n.get() as i32));
    if std::env::args().any(|argument| argument == "--serve") {
        return serve();
    }
    let mut criterion = Criterion::default().sample_size(20).configure_from_args();
    for (name, text, inputs) in FIELDS {
        let mut group = criterion.benchmark_group(name);
        let points = 8192;
        group.throughput(Throughput::Elements(points as u64));
        let mut work = Work::new(text, inputs, points);
        group.bench_function("evaluate", |bencher| bencher.iter(|| work.evaluate()));
        group.bench_function("step", |bencher| bencher.iter(|| work.step()));
        group.bench_function("step by tensor expressions", |bencher| bencher.iter(|| work.reference_step()));
        group.finish();
    }
    criterion.final_summary();
    Ok(())
}
