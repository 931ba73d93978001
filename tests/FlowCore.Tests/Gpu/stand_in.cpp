// Stands in for NVIDIA's driver and compiler where there is no GPU: the functions of libcuda and libnvrtc that the engine calls, with
// the same arguments and the same promises. A kernel is compiled by g++ and run block by block; what is given to a stream happens no
// sooner than somebody waits for it; memory is counted, limited, and checked when it is given back.
#include <dlfcn.h>
#include <elf.h>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <functional>
#include <map>
#include <mutex>
#include <set>
#include <sstream>
#include <string>
#include <thread>
#include <unistd.h>
#include <vector>

#define API extern "C" __attribute__((visibility("default")))

namespace
{
    const int SUCCESS = 0, INVALID_VALUE = 1, OUT_OF_MEMORY = 2, INVALID_CONTEXT = 201, INVALID_HANDLE = 400, NOT_FOUND = 500;
    const int DEVICES = 2, COMPILATION_FAILED = 6;

    typedef void Block(long long block, long long blocks, void *memory, void **arguments);
    struct Stream { std::vector<std::function<void()>> work; };
    struct Module { void *library; };
    struct Function { Block *block; int shared; };
    struct Program { std::string text, code, log; };

    std::mutex guard;
    std::map<uint64_t, size_t> device_memory;
    std::map<void *, size_t> host_memory;
    std::map<size_t, void *> libraries;
    std::set<Stream *> streams;
    std::set<Module *> modules;
    std::vector<Function *> functions;
    long long device_bytes, most_bytes = 1LL << 40, launches, compilations, to_devices, to_hosts;
    int contexts;
    thread_local int current;

    bool inside(uint64_t at, size_t bytes)
    {
        auto after = device_memory.upper_bound(at);
        if (after == device_memory.begin())
            return false;
        --after;
        return at >= after->first && at + bytes <= after->first + after->second;
    }

    std::string run(const std::string &command)
    {
        std::string words;
        char line[4096];
        FILE *pipe = popen((command + " 2>&1; echo status $?").c_str(), "r");
        while (pipe && fgets(line, sizeof line, pipe))
            words += line;
        if (pipe)
            pclose(pipe);
        return words;
    }

    std::string temporary() { char path[] = "/tmp/flow-kernel-XXXXXX"; int file = mkstemp(path); if (file >= 0) close(file); return path; }

    std::string whole(const std::string &path) { std::ifstream file(path, std::ios::binary); std::ostringstream all; all << file.rdbuf(); return all.str(); }
}

// What a test asks the stand-in itself.
API long long stand_in(const char *what)
{
    std::lock_guard<std::mutex> lock(guard);
    std::string name = what;
    return name == "device bytes" ? device_bytes : name == "host blocks" ? (long long)host_memory.size() : name == "streams" ? (long long)streams.size()
        : name == "modules" ? (long long)modules.size() : name == "contexts" ? contexts : name == "launches" ? launches : name == "compilations" ? compilations
        : name == "bytes to devices" ? to_devices : name == "bytes to hosts" ? to_hosts : -1;
}
API void stand_in_limit(long long bytes) { std::lock_guard<std::mutex> lock(guard); most_bytes = bytes; }

API int cuMemGetInfo_v2(size_t *left, size_t *all) { std::lock_guard<std::mutex> lock(guard); if (!current) return INVALID_CONTEXT; *all = most_bytes; *left = most_bytes - device_bytes; return SUCCESS; }
API int cuInit(unsigned) { return SUCCESS; }
API int cuDeviceGetCount(int *count) { *count = DEVICES; return SUCCESS; }
API int cuDeviceGet(int *device, int ordinal) { *device = ordinal; return ordinal < DEVICES ? SUCCESS : INVALID_VALUE; }
API int cuDeviceGetName(char *name, int length, int) { snprintf(name, length, "stand-in"); return SUCCESS; }
API int cuDeviceGetAttribute(int *value, int attribute, int)
{
    // Few multiprocessors: blocks must go on with further tiles.
    *value = attribute == 16 ? 3 : attribute == 75 ? 9 : attribute == 76 ? 0 : attribute == 97 ? 232448 : -1;
    return *value < 0 ? INVALID_VALUE : SUCCESS;
}
API int cuDevicePrimaryCtxRetain(void **context, int device) { std::lock_guard<std::mutex> lock(guard); contexts++; *context = (void *)(intptr_t)(device + 1); return SUCCESS; }
API int cuDevicePrimaryCtxRelease_v2(int) { std::lock_guard<std::mutex> lock(guard); contexts--; return SUCCESS; }
API int cuCtxSetCurrent(void *context) { current = (int)(intptr_t)context; return SUCCESS; }

API int cuModuleLoadData(void **module, const void *image)
{
    if (!current)
        return INVALID_CONTEXT;
    auto head = (const Elf64_Ehdr *)image;
    if (memcmp(head->e_ident, ELFMAG, SELFMAG))
        return 200;
    std::lock_guard<std::mutex> lock(guard);
    // An image that has been loaded before is the same library: many flows of the tests share one.
    std::string code((const char *)image, head->e_shoff + (size_t)head->e_shentsize * head->e_shnum);
    void *&library = libraries[std::hash<std::string>()(code)];
    if (!library)
    {
        std::string path = temporary();
        std::ofstream(path, std::ios::binary) << code;
        library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
        unlink(path.c_str());
    }
    if (!library)
        return 200;
    *module = *modules.insert(new Module{library}).first;
    return SUCCESS;
}
API int cuModuleUnload(void *module) { std::lock_guard<std::mutex> lock(guard); if (!modules.erase((Module *)module)) return INVALID_HANDLE; delete (Module *)module; return SUCCESS; }
API int cuModuleGetFunction(void **function, void *module, const char *name)
{
    void *block = dlsym(((Module *)module)->library, (std::string(name) + "_block").c_str());
    if (!block)
        return NOT_FOUND;
    std::lock_guard<std::mutex> lock(guard);
    functions.push_back(new Function{(Block *)block, 48 << 10});
    *function = functions.back();
    return SUCCESS;
}
API int cuFuncSetAttribute(void *function, int attribute, int value)
{
    if (attribute != 8 || value > 232448)
        return INVALID_VALUE;
    ((Function *)function)->shared = value;
    return SUCCESS;
}

API int cuMemAlloc_v2(uint64_t *at, size_t bytes)
{
    std::lock_guard<std::mutex> lock(guard);
    if (!current)
        return INVALID_CONTEXT;
    if (device_bytes + (long long)bytes > most_bytes)
        return OUT_OF_MEMORY;
    // As a device's memory is: of no value that means anything.
    void *memory = aligned_alloc(256, (bytes + 255) / 256 * 256);
    memset(memory, 0xA5, bytes < 65536 ? bytes : 65536);
    *at = (uint64_t)memory;
    device_memory[*at] = bytes;
    device_bytes += bytes;
    return SUCCESS;
}
API int cuMemFree_v2(uint64_t at)
{
    std::lock_guard<std::mutex> lock(guard);
    auto found = device_memory.find(at);
    if (found == device_memory.end())
        return INVALID_VALUE;
    device_bytes -= found->second;
    device_memory.erase(found);
    free((void *)at);
    return SUCCESS;
}
API int cuMemHostAlloc(void **at, size_t bytes, unsigned)
{
    std::lock_guard<std::mutex> lock(guard);
    *at = aligned_alloc(256, (bytes + 255) / 256 * 256);
    host_memory[*at] = bytes;
    return SUCCESS;
}
API int cuMemFreeHost(void *at) { std::lock_guard<std::mutex> lock(guard); if (!host_memory.erase(at)) return INVALID_VALUE; free(at); return SUCCESS; }

API int cuStreamCreate(void **stream, unsigned) { std::lock_guard<std::mutex> lock(guard); *stream = *streams.insert(new Stream).first; return SUCCESS; }
API int cuStreamDestroy_v2(void *stream) { std::lock_guard<std::mutex> lock(guard); if (!streams.erase((Stream *)stream)) return INVALID_HANDLE; delete (Stream *)stream; return SUCCESS; }
API int cuStreamSynchronize(void *stream)
{
    for (auto &each : ((Stream *)stream)->work)
        each();
    ((Stream *)stream)->work.clear();
    return SUCCESS;
}
API int cuMemcpyHtoDAsync_v2(uint64_t to, const void *from, size_t bytes, void *stream)
{
    std::lock_guard<std::mutex> lock(guard);
    if (!inside(to, bytes))
        return INVALID_VALUE;
    to_devices += bytes;
    ((Stream *)stream)->work.push_back([=] { memcpy((void *)to, from, bytes); });
    return SUCCESS;
}
API int cuMemcpyDtoHAsync_v2(void *to, uint64_t from, size_t bytes, void *stream)
{
    std::lock_guard<std::mutex> lock(guard);
    if (!inside(from, bytes))
        return INVALID_VALUE;
    to_hosts += bytes;
    ((Stream *)stream)->work.push_back([=] { memcpy(to, (const void *)from, bytes); });
    return SUCCESS;
}
API int cuLaunchKernel(void *function, unsigned blocks, unsigned y, unsigned z, unsigned threads, unsigned, unsigned, unsigned shared, void *stream, void **arguments, void **extra)
{
    auto kernel = (Function *)function;
    if (!current || blocks < 1 || y != 1 || z != 1 || threads != 128 || (int)shared > kernel->shared || extra)
        return INVALID_VALUE;
    // The driver takes the argument's bytes at once: so much as a kernel's may be.
    std::vector<char> argument((char *)arguments[0], (char *)arguments[0] + 104);
    {
        std::lock_guard<std::mutex> lock(guard);
        launches++;
    }
    ((Stream *)stream)->work.push_back([=]() mutable
    {
        // Not initialised, and as short as was asked for: a page that must not be touched lies behind it.
        std::vector<char> memory(shared + 64, (char)0xA5);
        void *at = (void *)(((uintptr_t)memory.data() + 15) & ~(uintptr_t)15);
        for (unsigned block = 0; block < blocks; block++)
        {
            void *one = argument.data();
            kernel->block(block, blocks, at, &one);
        }
        for (size_t i = 0; i < 16; i++)
            if (((char *)at)[shared + i] != (char)0xA5)
                abort();
    });
    return SUCCESS;
}
API int cuGetErrorName(int status, const char **name) { *name = status == OUT_OF_MEMORY ? "CUDA_ERROR_OUT_OF_MEMORY" : status == NOT_FOUND ? "CUDA_ERROR_NOT_FOUND" : "CUDA_ERROR"; return SUCCESS; }
API int cuGetErrorString(int, const char **words) { *words = "said by the stand-in"; return SUCCESS; }

API int nvrtcVersion(int *major, int *minor) { *major = 13; *minor = 0; return SUCCESS; }
API int nvrtcCreateProgram(void **program, const char *text, const char *, int, const char **, const char **) { *program = new Program{text, "", ""}; return SUCCESS; }
API int nvrtcCompileProgram(void *program, int, const char **)
{
    auto self = (Program *)program;
    std::string text = temporary(), code = temporary();
    std::ofstream(text) << self->text;
    self->log = run("g++ -O0 -std=c++17 -ffp-contract=off " + std::string(FLAGS) + " -shared -fPIC -x c++ " + text + " -o " + code);
    bool compiled = self->log.find("status 0") != std::string::npos;
    self->code = whole(code);
    unlink(text.c_str());
    unlink(code.c_str());
    std::lock_guard<std::mutex> lock(guard);
    compilations++;
    return compiled ? SUCCESS : COMPILATION_FAILED;
}
API int nvrtcGetCUBINSize(void *program, size_t *size) { *size = ((Program *)program)->code.size(); return SUCCESS; }
API int nvrtcGetCUBIN(void *program, char *code) { memcpy(code, ((Program *)program)->code.data(), ((Program *)program)->code.size()); return SUCCESS; }
API int nvrtcGetProgramLogSize(void *program, size_t *size) { *size = ((Program *)program)->log.size() + 1; return SUCCESS; }
API int nvrtcGetProgramLog(void *program, char *log) { strcpy(log, ((Program *)program)->log.c_str()); return SUCCESS; }
API int nvrtcDestroyProgram(void **program) { delete (Program *)*program; *program = nullptr; return SUCCESS; }
API const char *nvrtcGetErrorString(int status) { return status == COMPILATION_FAILED ? "NVRTC_ERROR_COMPILATION" : "NVRTC_ERROR"; }
