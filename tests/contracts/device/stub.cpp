// Libraries that stand in for NVIDIA's driver, NVRTC and the CUDA part of libtorch on machines without a GPU. The stub
// of NVRTC calls the C++ compiler of this machine, and the stub of the driver loads its output. A launch runs the grid
// on the processor and is recorded, with its stream, in the file LOG. The libraries are built once per scenario from
// the macros CARDS (number of GPUs), DRIVER (version), START (result of cuInit), FAIL (launches that run out of
// memory), FULL (every launch does) and FREE (free memory, bytes).
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <dlfcn.h>
#include <fstream>
#include <iterator>
#include <string>
#include <unistd.h>
#include <vector>

#ifndef CARDS
#define CARDS 1
#endif
#ifndef DRIVER
#define DRIVER 13000
#endif
#ifndef START
#define START 0
#endif
#ifndef FREE
#define FREE (64ull << 30)
#endif

static void note(const std::string& line) {
    std::ofstream(LOG, std::ios::app) << line << '\n';
}

static std::string temporary(const char* ending) {
    static int number = 0;
    return std::string(FOLDER) + "/code-" + std::to_string(getpid()) + "-" + std::to_string(number++) + ending;
}

struct Program {
    std::string source, log, code;
};

struct Function {
    void (*run)(unsigned, unsigned, void**);
    std::string name;
};

extern "C" {
// The driver.
int cuInit(unsigned) { return START; }
int cuDriverGetVersion(int* version) { return *version = DRIVER, 0; }
int cuDeviceGetCount(int* count) { return *count = CARDS, 0; }
int cuDeviceGet(int* device, int index) { return *device = index, 0; }
int cuDeviceGetAttribute(int* value, int attribute, int) { return *value = attribute == 75 ? 9 : 0, 0; }
int cuDevicePrimaryCtxRetain(void** context, int) { return *context = (void*)0x1000, 0; }
int cuCtxSetCurrent(void* context) { return context == (void*)0x1000 ? 0 : 201; }
int cuMemGetInfo_v2(size_t* free, size_t* total) { return *free = FREE, *total = FREE, 0; }
int cuGetErrorString(int code, const char** text) {
    *text = code == 2 ? "out of memory" : code == 100 ? "no CUDA-capable device is detected" : "an error";
    return 0;
}
int cuModuleLoadData(void** module, const void* image) {
    size_t size;
    memcpy(&size, image, sizeof size);
    const std::string path = temporary(".so");
    std::ofstream(path, std::ios::binary).write((const char*)image + sizeof size, size);
    *module = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
    return *module ? 0 : 209;
}
int cuModuleGetFunction(void** function, void* module, const char* name) {
    void* run = dlsym(module, (std::string(name) + "_on_host").c_str());
    *function = run ? new Function{(void (*)(unsigned, unsigned, void**))run, name} : nullptr;
    return run ? 0 : 500;
}
int cuLaunchKernel(void* function, unsigned x, unsigned y, unsigned z, unsigned threads, unsigned ty, unsigned tz,
                   unsigned shared, void* stream, void** arguments, void** extra) {
    const Function* f = (const Function*)function;
#ifdef FULL
    return 2;
#endif
#ifdef FAIL
    static int launches = 0;
    ++launches;
    for (int which : {FAIL}) {
        if (launches == which) return 2;
    }
#endif
    if (y != 1 || z != 1 || ty != 1 || tz != 1 || shared != 0 || extra) return 1;
    char line[200];
    snprintf(line, sizeof line, "launch %s %u %u %p", f->name.c_str(), x, threads, stream);
    note(line);
    f->run(x, threads, arguments);
    return 0;
}
int cuStreamSynchronize(void*) { return note("synchronise"), 0; }
int cuCtxSynchronize() { return note("synchronise"), 0; }

// libtorch's CUDA half.
int aoti_torch_get_current_cuda_stream(int device, void** stream) {
    return *stream = (void*)(size_t)(0x5000 + device), 0;
}

// NVRTC.
int nvrtcVersion(int* major, int* minor) { return *major = 0, *minor = 1, 0; }
int nvrtcCreateProgram(void** program, const char* source, const char*, int, const char**, const char**) {
    *program = new Program{source, "", ""};
    return 0;
}
int nvrtcCompileProgram(void* program, int count, const char** options) {
    Program* p = (Program*)program;
#ifdef UNKNOWN
    return 5;
#endif
    if (count < 1 || std::string(options[0]) != "--gpu-architecture=sm_90") return 5;
    note("compile");
    const std::string source = temporary(".cpp"), library = temporary(".so"), log = temporary(".log");
    std::ofstream(source) << p->source;
    const std::string command = COMPILER " -std=c++17 -O2 -ffp-contract=off -DRECON_HOST -fPIC -shared -o " + library + " "
        + source + " 2> " + log;
    const bool good = system(command.c_str()) == 0;
    auto read = [](const std::string& path) {
        std::ifstream file(path, std::ios::binary);
        return std::string(std::istreambuf_iterator<char>(file), {});
    };
    p->log = read(log);
    if (!good) return 6;
    const std::string code = read(library);
    const size_t size = code.size();
    p->code = std::string((const char*)&size, sizeof size) + code;
    return 0;
}
int nvrtcDestroyProgram(void** program) { return delete (Program*)*program, *program = nullptr, 0; }
int nvrtcGetProgramLogSize(void* program, size_t* size) { return *size = ((Program*)program)->log.size() + 1, 0; }
int nvrtcGetProgramLog(void* program, char* log) { return strcpy(log, ((Program*)program)->log.c_str()), 0; }
int nvrtcGetCUBINSize(void* program, size_t* size) { return *size = ((Program*)program)->code.size(), 0; }
int nvrtcGetCUBIN(void* program, char* code) {
    const Program* p = (Program*)program;
    return memcpy(code, p->code.data(), p->code.size()), 0;
}
}
