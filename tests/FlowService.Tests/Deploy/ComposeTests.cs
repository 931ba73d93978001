using System.Globalization;
using System.Net;
using FlowService.Limits;
using FlowService.Startup;
using YamlDotNet.Core;
using YamlDotNet.Serialization;

namespace FlowService.Tests.Deploy;

/// <summary>The compose file, as far as it can be checked without Docker: what it names is there, and agrees with the service.</summary>
public sealed class ComposeTests
{
    private static readonly string Root = AppContext.BaseDirectory;

    // Anchors and merges are the parser's work; the keys are those of the Compose Specification.
    private static readonly string[] KeysOfService =
    [
        "build", "cap_drop", "command", "depends_on", "deploy", "environment", "image", "networks", "ports", "profiles", "read_only", "restart", "secrets", "security_opt",
        "stop_grace_period", "tmpfs", "volumes",
    ];

    private readonly Dictionary<object, object> compose = Read(File.ReadAllText(Path.Combine(Root, "docker-compose.yml")));

    [Fact]
    public void Services_have_known_keys_and_name_what_is_there()
    {
        Dictionary<object, object> services = Map(compose["services"]), secrets = Map(compose["secrets"]), volumes = Map(compose["volumes"]);
        Assert.Equal(9, services.Count);
        foreach (var (name, value) in services)
        {
            Dictionary<object, object> service = Map(value);
            Assert.All(service.Keys, key => Assert.Contains((string)key, KeysOfService));
            Assert.All(List(service, "secrets"), secret => Assert.Contains(secret, secrets.Keys));
            Assert.All(List(service, "depends_on"), other => Assert.Contains(other, services.Keys));
            foreach (string mount in List(service, "volumes"))
            {
                string source = mount.Split(':')[0];
                Assert.True(source.StartsWith("./", StringComparison.Ordinal) ? Path.Exists(Path.Combine(Root, source)) : volumes.ContainsKey(source), $"{name}: {source}");
            }
            foreach (string port in List(service, "ports"))
                Assert.StartsWith("127.0.0.1:", port, StringComparison.Ordinal); // none is open to the network by the file as it is
        }
    }

    [Fact]
    public void The_services_environment_is_its_settings_and_it_has_time_to_leave()
    {
        var services = Map(compose["services"]).Where(service => ((string)service.Key).StartsWith("flowservice", StringComparison.Ordinal)).Select(service => Map(service.Value)).ToArray();

        Assert.Equal(5, services.Length);
        foreach (Dictionary<object, object> service in services)
        {
            foreach (string variable in Map(service["environment"]).Keys.Cast<string>().Where(variable => variable.Contains("__", StringComparison.Ordinal)))
                Assert.Contains(variable.Replace("__", ":", StringComparison.Ordinal), KnownSettings.Own.Keys);
            Assert.Equal("/run/secrets/keys", Map(service["environment"])["Security__KeysFile"]);
            Assert.Equal("true", service["read_only"]);
            Assert.Equal("80s", service["stop_grace_period"]); // Shutdown:PauseSeconds, TimeoutSeconds, and ten
        }
    }

    [Fact]
    public void Nginx_knows_every_replica_for_good_and_lets_bodies_pass_that_the_service_takes()
    {
        string nginx = File.ReadAllText(Path.Combine(Root, "nginx.conf"));

        Assert.Contains(string.Create(CultureInfo.InvariantCulture, $"client_max_body_size {new LimitsOptions().BodyBytes >> 20}m;"), nginx, StringComparison.Ordinal);
        // It looks a name up once, when it starts: each replica has an address of its own, which no other container is given.
        Dictionary<object, object> network = Map(((List<object>)Map(Map(Map(compose["networks"])["default"])["ipam"])["config"])[0]);
        IPNetwork subnet = IPNetwork.Parse((string)network["subnet"]), given = IPNetwork.Parse((string)network["ip_range"]);
        var addresses = new HashSet<IPAddress>();
        foreach (var (replica, service) in Map(compose["services"]).Where(service => char.IsDigit(((string)service.Key)[^1])))
        {
            Assert.Contains($"server {replica}:8080", nginx, StringComparison.Ordinal);
            IPAddress address = IPAddress.Parse((string)Map(Map(Map(service)["networks"])["default"])["ipv4_address"]);
            Assert.True(subnet.Contains(address) && !given.Contains(address) && addresses.Add(address), $"{replica}: {address}");
        }
    }

    private static Dictionary<object, object> Read(string text) =>
        new DeserializerBuilder().Build().Deserialize<Dictionary<object, object>>(new MergingParser(new Parser(new StringReader(text))));

    private static Dictionary<object, object> Map(object value) => (Dictionary<object, object>)value;

    private static IEnumerable<string> List(Dictionary<object, object> service, string key) =>
        service.TryGetValue(key, out object? value) && value is List<object> list ? list.Cast<string>() : [];
}
