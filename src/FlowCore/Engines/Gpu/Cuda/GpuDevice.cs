namespace FlowCore.Engines.Gpu.Cuda;

/// <summary>One GPU as an engine holds it: the driver's shared context of that device, and what was taken there.</summary>
internal sealed unsafe class GpuDevice : IDisposable
{
    private readonly int device;
    private readonly nint context;
    private readonly List<ulong> memory = [];
    private readonly List<nint> pinned = [], streams = [], modules = [];

    /// <exception cref="FlowException">There is no driver, or no such device.</exception>
    public GpuDevice(GpuOptions options, int ordinal)
    {
        Driver = CudaDriver.Open(options);
        if (ordinal >= Driver.Devices)
            throw new FlowException($"device 'cuda:{ordinal}' was asked for, but there are {Driver.Devices} GPUs");
        device = Driver.Device(ordinal);
        Ordinal = ordinal;
        Architecture = FormattableString.Invariant($"sm_{Driver.Attribute(device, CudaAttribute.Major)}{Driver.Attribute(device, CudaAttribute.Minor)}");
        Multiprocessors = Driver.Attribute(device, CudaAttribute.Multiprocessors);
        SharedBytes = Driver.Attribute(device, CudaAttribute.SharedBytes);
        context = Driver.RetainContext(device);
    }

    public CudaDriver Driver { get; }

    public int Ordinal { get; }

    /// <summary>As NVRTC has it: sm_90.</summary>
    public string Architecture { get; }

    public int Multiprocessors { get; }

    /// <summary>The most memory that a block may have to itself.</summary>
    public int SharedBytes { get; }

    /// <summary>To be called first by whoever calls the driver, on any thread.</summary>
    public void Enter() => Driver.Enter(context);

    public nint Load(ReadOnlySpan<byte> code)
    {
        nint module = Driver.LoadModule(code);
        modules.Add(module);
        return module;
    }

    public nint Stream()
    {
        nint stream = Driver.CreateStream();
        streams.Add(stream);
        return stream;
    }

    /// <exception cref="InsufficientMemoryException">There is not so much.</exception>
    public ulong Allocate(long bytes)
    {
        ulong at = Driver.Allocate(Math.Max(bytes, 16));
        memory.Add(at);
        return at;
    }

    public void* AllocateHost(long bytes)
    {
        void* at = Driver.AllocateHost(Math.Max(bytes, 16));
        pinned.Add((nint)at);
        return at;
    }

    /// <summary>Gives back what was taken since there was so much: for whoever has to do with less.</summary>
    public void GiveBack((int Memory, int Pinned) since)
    {
        for (; memory.Count > since.Memory; memory.RemoveAt(memory.Count - 1))
            Driver.Free(memory[^1]);
        for (; pinned.Count > since.Pinned; pinned.RemoveAt(pinned.Count - 1))
            Driver.FreeHost((void*)pinned[^1]);
    }

    /// <summary>How much has been taken.</summary>
    public (int Memory, int Pinned) Taken => (memory.Count, pinned.Count);

    /// <summary>Gives everything back to the driver.</summary>
    public void Dispose()
    {
        Enter();
        GiveBack((0, 0));
        streams.ForEach(Driver.DestroyStream);
        modules.ForEach(Driver.UnloadModule);
        Driver.ReleaseContext(device);
    }
}
