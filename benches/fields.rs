//! What a field costs: points per second of a forward evaluation and of a training step (forward, backward), per precision.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use recon::fields::{Architecture, Precision, siren};
use std::hint::black_box;
use tch::{Device, Kind, Tensor};

const POINTS: i64 = 4096;

fn fields(criterion: &mut Criterion) {
    tch::set_num_threads(std::thread::available_parallelism().map_or(1, |n| n.get() as i32));
    let points =
        Tensor::from_slice(&(0..3 * POINTS).map(|i| ((i * 7919) % 2001) as f32 / 1000.0 - 1.0).collect::<Vec<_>>()).view([POINTS, 3]);
    let mut group = criterion.benchmark_group("siren 3x256");
    group.throughput(Throughput::Elements(POINTS as u64)).sample_size(30);
    for precision in [Precision::F32, Precision::Bf16] {
        let config = siren::Config { precision, ..siren::Config::default() };
        let field = config.build(3, 0, (Kind::Float, Device::Cpu)).expect("a valid configuration");
        group.bench_function(format!("forward {precision:?}"), |bencher| {
            bencher.iter(|| tch::no_grad(|| black_box(field.attenuation(&points).expect("memory"))));
        });
        group.bench_function(format!("forward and backward {precision:?}"), |bencher| {
            bencher.iter(|| field.attenuation(&points).expect("memory").sum(Kind::Float).backward());
        });
    }
    group.finish();
}

criterion_group!(benches, fields);
criterion_main!(benches);
