using System.Collections.Concurrent;
using System.Runtime.InteropServices;

namespace FlowCore.Engines.Gpu.Cuda;

/// <summary>The functions of NVIDIA's driver (libcuda) that the engine calls; whatever they report becomes an exception.</summary>
internal sealed unsafe class CudaDriver
{
    private const int OutOfMemory = 2, NoDevice = 100;

    private static readonly ConcurrentDictionary<string, CudaDriver> Opened = new(StringComparer.Ordinal);

    private readonly delegate* unmanaged<uint, int> init;
    private readonly delegate* unmanaged<int*, int> deviceCount;
    private readonly delegate* unmanaged<int*, int, int> deviceGet;
    private readonly delegate* unmanaged<byte*, int, int, int> deviceName;
    private readonly delegate* unmanaged<int*, int, int, int> deviceAttribute;
    private readonly delegate* unmanaged<nint*, int, int> retainContext;
    private readonly delegate* unmanaged<int, int> releaseContext;
    private readonly delegate* unmanaged<nint, int> setContext;
    private readonly delegate* unmanaged<nint*, void*, int> loadModule;
    private readonly delegate* unmanaged<nint, int> unloadModule;
    private readonly delegate* unmanaged<nint*, nint, byte*, int> moduleFunction;
    private readonly delegate* unmanaged<nint, int, int, int> setFunctionAttribute;
    private readonly delegate* unmanaged<ulong*, nuint, int> allocate;
    private readonly delegate* unmanaged<ulong, int> free;
    private readonly delegate* unmanaged<nuint*, nuint*, int> memoryInfo;
    private readonly delegate* unmanaged<void**, nuint, uint, int> allocateHost;
    private readonly delegate* unmanaged<void*, int> freeHost;
    private readonly delegate* unmanaged<ulong, void*, nuint, nint, int> copyToDevice;
    private readonly delegate* unmanaged<void*, ulong, nuint, nint, int> copyToHost;
    private readonly delegate* unmanaged<nint*, uint, int> createStream;
    private readonly delegate* unmanaged<nint, int> destroyStream;
    private readonly delegate* unmanaged<nint, int> synchronize;
    private readonly delegate* unmanaged<nint, uint, uint, uint, uint, uint, uint, uint, nint, void**, void**, int> launch;
    private readonly delegate* unmanaged<int, byte**, int> errorName;
    private readonly delegate* unmanaged<int, byte**, int> errorString;

    private CudaDriver(NativeCode library)
    {
        init = (delegate* unmanaged<uint, int>)library.Function("cuInit");
        deviceCount = (delegate* unmanaged<int*, int>)library.Function("cuDeviceGetCount");
        deviceGet = (delegate* unmanaged<int*, int, int>)library.Function("cuDeviceGet");
        deviceName = (delegate* unmanaged<byte*, int, int, int>)library.Function("cuDeviceGetName");
        deviceAttribute = (delegate* unmanaged<int*, int, int, int>)library.Function("cuDeviceGetAttribute");
        retainContext = (delegate* unmanaged<nint*, int, int>)library.Function("cuDevicePrimaryCtxRetain");
        releaseContext = (delegate* unmanaged<int, int>)library.Function("cuDevicePrimaryCtxRelease_v2");
        setContext = (delegate* unmanaged<nint, int>)library.Function("cuCtxSetCurrent");
        loadModule = (delegate* unmanaged<nint*, void*, int>)library.Function("cuModuleLoadData");
        unloadModule = (delegate* unmanaged<nint, int>)library.Function("cuModuleUnload");
        moduleFunction = (delegate* unmanaged<nint*, nint, byte*, int>)library.Function("cuModuleGetFunction");
        setFunctionAttribute = (delegate* unmanaged<nint, int, int, int>)library.Function("cuFuncSetAttribute");
        allocate = (delegate* unmanaged<ulong*, nuint, int>)library.Function("cuMemAlloc_v2");
        free = (delegate* unmanaged<ulong, int>)library.Function("cuMemFree_v2");
        memoryInfo = (delegate* unmanaged<nuint*, nuint*, int>)library.Function("cuMemGetInfo_v2");
        allocateHost = (delegate* unmanaged<void**, nuint, uint, int>)library.Function("cuMemHostAlloc");
        freeHost = (delegate* unmanaged<void*, int>)library.Function("cuMemFreeHost");
        copyToDevice = (delegate* unmanaged<ulong, void*, nuint, nint, int>)library.Function("cuMemcpyHtoDAsync_v2");
        copyToHost = (delegate* unmanaged<void*, ulong, nuint, nint, int>)library.Function("cuMemcpyDtoHAsync_v2");
        createStream = (delegate* unmanaged<nint*, uint, int>)library.Function("cuStreamCreate");
        destroyStream = (delegate* unmanaged<nint, int>)library.Function("cuStreamDestroy_v2");
        synchronize = (delegate* unmanaged<nint, int>)library.Function("cuStreamSynchronize");
        launch = (delegate* unmanaged<nint, uint, uint, uint, uint, uint, uint, uint, nint, void**, void**, int>)library.Function("cuLaunchKernel");
        errorName = (delegate* unmanaged<int, byte**, int>)library.Function("cuGetErrorName");
        errorString = (delegate* unmanaged<int, byte**, int>)library.Function("cuGetErrorString");
    }

    /// <summary>The driver, once for each library.</summary>
    /// <exception cref="FlowException">It is not there, or it sees no device; the message says what was looked for.</exception>
    public static CudaDriver Open(GpuOptions options) => Opened.GetOrAdd(options.Driver, path =>
    {
        NativeCode library = NativeCode.Open([path]) ?? throw new FlowException(
            $"the GPU engine needs NVIDIA's driver: {path} is nowhere in the loader's folders; install the driver, "
            + "give the container its GPU (docker run --gpus all), or ask for the device cpu");
        var driver = new CudaDriver(library);
        int status = driver.init(0);
        if (status == NoDevice)
            throw new FlowException($"the GPU engine finds no GPU: {path} is there, and sees no device; look at nvidia-smi and at CUDA_VISIBLE_DEVICES, or ask for the device cpu");
        driver.Check(status, "cuInit");
        return driver;
    });

    /// <summary>The number of devices; 0 where there is no driver.</summary>
    public static int CountDevices(GpuOptions options)
    {
        try
        {
            return Open(options).Devices;
        }
        catch (FlowException)
        {
            return 0;
        }
    }

    public int Devices
    {
        get
        {
            int count;
            Check(deviceCount(&count), "cuDeviceGetCount");
            return count;
        }
    }

    public int Device(int ordinal)
    {
        int device;
        Check(deviceGet(&device, ordinal), "cuDeviceGet");
        return device;
    }

    public string Name(int device)
    {
        byte* name = stackalloc byte[256];
        Check(deviceName(name, 256, device), "cuDeviceGetName");
        return Marshal.PtrToStringUTF8((nint)name)!;
    }

    public int Attribute(int device, CudaAttribute attribute)
    {
        int value;
        Check(deviceAttribute(&value, (int)attribute, device), "cuDeviceGetAttribute");
        return value;
    }

    public nint RetainContext(int device)
    {
        nint context;
        Check(retainContext(&context, device), "cuDevicePrimaryCtxRetain");
        return context;
    }

    public void ReleaseContext(int device) => releaseContext(device);

    /// <summary>Makes a context this thread's: every call below is about it.</summary>
    public void Enter(nint context) => Check(setContext(context), "cuCtxSetCurrent");

    public nint LoadModule(ReadOnlySpan<byte> image)
    {
        nint module;
        fixed (byte* at = image)
            Check(loadModule(&module, at), "cuModuleLoadData");
        return module;
    }

    public void UnloadModule(nint module) => unloadModule(module);

    public nint Function(nint module, string name)
    {
        nint function;
        fixed (byte* at = System.Text.Encoding.UTF8.GetBytes(name + '\0'))
            Check(moduleFunction(&function, module, at), "cuModuleGetFunction");
        return function;
    }

    /// <summary>Lets a kernel have more memory of the block's own than the 48 KiB that it always has.</summary>
    public void AllowShared(nint function, int bytes) => Check(setFunctionAttribute(function, 8, bytes), "cuFuncSetAttribute");

    public ulong Allocate(long bytes)
    {
        ulong memory;
        Check(allocate(&memory, (nuint)bytes), $"cuMemAlloc of {bytes} bytes");
        return memory;
    }

    public void Free(ulong memory) => free(memory);

    /// <summary>The bytes of the context's device that nobody has taken, in whatever process, and all of them.</summary>
    public (long Free, long Total) Memory()
    {
        nuint left, all;
        Check(memoryInfo(&left, &all), "cuMemGetInfo");
        return ((long)left, (long)all);
    }

    /// <summary>Page-locked memory, which the device copies from and to by itself.</summary>
    public void* AllocateHost(long bytes)
    {
        void* memory;
        Check(allocateHost(&memory, (nuint)bytes, 0), $"cuMemHostAlloc of {bytes} bytes");
        return memory;
    }

    public void FreeHost(void* memory) => freeHost(memory);

    public void CopyToDevice(ulong to, void* from, long bytes, nint stream) => Check(copyToDevice(to, from, (nuint)bytes, stream), "cuMemcpyHtoDAsync");

    public void CopyToHost(void* to, ulong from, long bytes, nint stream) => Check(copyToHost(to, from, (nuint)bytes, stream), "cuMemcpyDtoHAsync");

    public nint CreateStream()
    {
        nint stream;
        Check(createStream(&stream, 1), "cuStreamCreate");
        return stream;
    }

    public void DestroyStream(nint stream) => destroyStream(stream);

    public void Synchronize(nint stream) => Check(synchronize(stream), "cuStreamSynchronize");

    /// <summary>Starts a kernel that takes one argument.</summary>
    public void Launch(nint function, int blocks, int threads, int sharedBytes, nint stream, void* argument)
    {
        void** arguments = stackalloc void*[1];
        arguments[0] = argument;
        Check(launch(function, (uint)blocks, 1, 1, (uint)threads, 1, 1, (uint)sharedBytes, stream, arguments, null), "cuLaunchKernel");
    }

    private void Check(int status, string call)
    {
        if (status == 0)
            return;
        if (status == OutOfMemory)
            throw new InsufficientMemoryException($"{call}: the GPU is out of memory");
        byte* name = null, words = null;
        errorName(status, &name);
        errorString(status, &words);
        throw new FlowException($"{call} failed on the GPU: {Marshal.PtrToStringUTF8((nint)name) ?? $"error {status}"}, {Marshal.PtrToStringUTF8((nint)words) ?? "unknown to the driver"}");
    }
}

/// <summary>What is asked of a device, by the driver's numbers.</summary>
internal enum CudaAttribute
{
    Multiprocessors = 16,
    Major = 75,
    Minor = 76,
    SharedBytes = 97,
}
