using FlowService.Tests.Support;

namespace FlowService.Tests.Hostile;

/// <summary>Damaged bodies in every format and coding: each is answered or refused, none is the service's fault, and nothing stays behind.</summary>
public sealed class MutantTests(SharedService service) : IDisposable
{
    private const int Damaged = 350, LengthBytes = 1024;

    private readonly HostileClient client = new(service.Host.Address, service.Host.GrpcAddress);

    public static TheoryData<string> All => [.. Subjects.All.Select(subject => subject.Name)];

    public static TheoryData<string> Binary => [.. Subjects.All.Where(subject => subject.Coding is null && subject.Type is not ("application/json" or "text/csv")).Select(subject => subject.Name)];

    public void Dispose() => client.Dispose();

    [Theory]
    [MemberData(nameof(All))]
    public Task Damage_of_any_kind_is_answered_or_refused(string name) =>
        CheckAsync(Subjects.Named(name), subject => Mutants.Damaged(subject.Body, seed: name.Length, Damaged));

    [Theory]
    [MemberData(nameof(All))]
    public Task Every_cut_is_answered_or_refused(string name) => CheckAsync(Subjects.Named(name), subject => Mutants.Cuts(subject.Body));

    [Theory]
    [MemberData(nameof(Binary))]
    public Task Every_length_at_its_extremes_is_answered_or_refused(string name) =>
        CheckAsync(Subjects.Named(name), subject => Mutants.Lengths(subject.Body, LengthBytes));

    private async Task CheckAsync(Subject subject, Func<Subject, IEnumerable<byte[]>> mutants)
    {
        byte[] good = await client.GoodAsync(subject);
        byte[][] bodies = [.. mutants(subject)];

        int refused = await client.SendAllAsync(subject, bodies);

        TestContext.Current.TestOutputHelper?.WriteLine($"{subject}: {bodies.Length} bodies, {refused} refused");
        Assert.Equal(good, await client.GoodAsync(subject));
        Assert.InRange(refused, bodies.Length / 4, bodies.Length);
        await service.Host.BuffersAreBackAsync();
    }
}
