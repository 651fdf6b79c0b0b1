// Preface of every device source. NVRTC compiles a source for a GPU. With RECON_HOST a C++ compiler compiles the same
// source for the CPU, where a loop runs the threads of a grid one after the other: tests compare a kernel's arithmetic
// with its CPU counterpart without a GPU.
//
// Rules that make both compilers give the same results: one-dimensional grids, no shared memory, no barriers, nothing
// that depends on the order of the threads; products and sums are fused only where fmaf() says so (--fmad=false,
// -ffp-contract=off).

#ifdef RECON_HOST
#include <cmath>
#include <cstring>
#include <utility>
#define __global__
#define __device__
struct Place {
    unsigned x;
};
static thread_local Place blockIdx, threadIdx, blockDim, gridDim;

template <class... Parameters, size_t... Numbers>
static void call(void (*kernel)(Parameters...), void** arguments, std::index_sequence<Numbers...>) {
    kernel(*static_cast<std::remove_const_t<Parameters>*>(arguments[Numbers])...);
}

template <class... Parameters>
static void run_grid(void (*kernel)(Parameters...), unsigned blocks, unsigned threads, void** arguments) {
    gridDim.x = blocks;
    blockDim.x = threads;
    for (blockIdx.x = 0; blockIdx.x < blocks; ++blockIdx.x) {
        for (threadIdx.x = 0; threadIdx.x < threads; ++threadIdx.x) {
            call(kernel, arguments, std::index_sequence_for<Parameters...>());
        }
    }
}

static inline void add_once(unsigned long long* sum, long long value) { *sum += (unsigned long long)value; }

// Defines a function by which the host can run a grid of the kernel.
#define EXPORT(kernel)                                                                           \
    extern "C" void kernel##_on_host(unsigned blocks, unsigned threads, void** arguments) {      \
        run_grid(kernel, blocks, threads, arguments);                                            \
    }
#else
static __device__ inline void add_once(unsigned long long* sum, long long value) {
    atomicAdd(sum, (unsigned long long)value);
}
#define EXPORT(kernel)
#endif

typedef long long Whole;

// Number of this thread in the grid, and number of all threads.
#define THREAD ((Whole)blockIdx.x * blockDim.x + threadIdx.x)
#define THREADS ((Whole)gridDim.x * blockDim.x)

static __device__ inline Whole least(Whole a, Whole b) { return a < b ? a : b; }
static __device__ inline Whole most(Whole a, Whole b) { return a > b ? a : b; }
static __device__ inline float of_bits(unsigned bits) {
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}
static __device__ inline unsigned bits_of(float value) {
    unsigned bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}
