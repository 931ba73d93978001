using System.Diagnostics;
using FlowService.Startup;
using FlowService.Tests.Support;
using k8s;
using k8s.Models;
using YamlDotNet.Core;

namespace FlowService.Tests.Deploy;

/// <summary>The files for Kubernetes and KServe: rendered by the real kubectl, and read into typed objects that know every field.</summary>
public sealed class KubernetesTests
{
    private static readonly string Shipped = Path.Combine(AppContext.BaseDirectory, "deploy");

    [Theory]
    [InlineData("cpu", "Deployment NetworkPolicy PersistentVolumeClaim PodDisruptionBudget Service Service ServiceAccount ServiceMonitor")]
    [InlineData("gpu", "Deployment NetworkPolicy PersistentVolumeClaim PodDisruptionBudget Service Service ServiceAccount ServiceMonitor")]
    [InlineData("autoscaled", "Deployment HorizontalPodAutoscaler NetworkPolicy PersistentVolumeClaim PodDisruptionBudget Service Service ServiceAccount ServiceMonitor")]
    [InlineData("autoscaled-keda", "Deployment NetworkPolicy PersistentVolumeClaim PodDisruptionBudget ScaledObject Service Service ServiceAccount ServiceMonitor")]
    [InlineData("synced", "Deployment NetworkPolicy PodDisruptionBudget Service Service ServiceAccount ServiceMonitor")]
    [InlineData("pulled", "Deployment NetworkPolicy PodDisruptionBudget Service Service ServiceAccount ServiceMonitor")]
    public async Task An_overlay_gives_objects_whose_every_field_Kubernetes_knows(string overlay, string kinds)
    {
        List<object> objects = Read(await RenderAsync(overlay));

        Assert.Equal(kinds, string.Join(' ', objects.Cast<IKubernetesObject>().Select(each => each.Kind).Order(StringComparer.Ordinal)));
        V1Deployment deployment = objects.OfType<V1Deployment>().Single();
        V1Container service = deployment.Spec.Template.Spec.Containers.Single();
        CheckSettings(service);
        Assert.True(service.SecurityContext.ReadOnlyRootFilesystem);
        Assert.True(deployment.Spec.Template.Spec.SecurityContext.RunAsNonRoot);
        Assert.Equal(["ALL"], service.SecurityContext.Capabilities.Drop);
        Assert.Equal(("/health/ready", "/health/live"), (service.ReadinessProbe.HttpGet.Path, service.LivenessProbe.HttpGet.Path));
        // What the service needs to leave: its pause, its time for requests, and what is cut off.
        Assert.True(deployment.Spec.Template.Spec.TerminationGracePeriodSeconds >= Number(service, "Shutdown__PauseSeconds") + Number(service, "Shutdown__TimeoutSeconds") + 10);
        // Every name that one object uses of another is there.
        IDictionary<string, string> labels = deployment.Spec.Template.Metadata.Labels;
        foreach (IDictionary<string, string> selector in (IDictionary<string, string>[])
            [deployment.Spec.Selector.MatchLabels, .. objects.OfType<V1Service>().Select(each => each.Spec.Selector), objects.OfType<V1PodDisruptionBudget>().Single().Spec.Selector.MatchLabels, objects.OfType<V1NetworkPolicy>().Single().Spec.PodSelector.MatchLabels])
            Assert.All(selector, label => Assert.Equal(label.Value, labels[label.Key]));
        string[] ports = [.. service.Ports.Select(port => port.Name)];
        Assert.All(objects.OfType<V1Service>().SelectMany(each => each.Spec.Ports).Where(port => port.TargetPort is not null), port => Assert.Contains(port.TargetPort.Value, ports));
        string[] volumes = [.. deployment.Spec.Template.Spec.Volumes.Select(volume => volume.Name)];
        Assert.All(deployment.Spec.Template.Spec.Containers.Concat(deployment.Spec.Template.Spec.InitContainers ?? []).SelectMany(each => each.VolumeMounts), mount => Assert.Contains(mount.Name, volumes));
        Assert.Equal(overlay is "autoscaled" or "autoscaled-keda", deployment.Spec.Replicas is null);
        Assert.Equal(overlay == "pulled", service.VolumeMounts.Single(mount => mount.Name == "models").ReadOnlyProperty != true);
        Assert.Equal(overlay == "gpu", service.Resources.Limits.ContainsKey("nvidia.com/gpu"));
    }

    [Fact]
    public async Task A_field_that_is_misspelt_is_refused()
    {
        string rendered = await RenderAsync("cpu");

        Assert.ThrowsAny<YamlException>(() => Read(rendered.Replace("readinessProbe:", "readynessProbe:", StringComparison.Ordinal)));
        Assert.ThrowsAny<YamlException>(() => Read(rendered.Replace("interval: 15s", "intervall: 15s", StringComparison.Ordinal)));
    }

    [Theory]
    [InlineData("kserve/runtime.yaml")]
    [InlineData("kserve/inferenceservice.yaml")]
    [InlineData("jobs/score.yaml")]
    [InlineData("jobs/score-file.yaml")]
    [InlineData("jobs/join.yaml")]
    public void The_other_files_have_no_unknown_field_either(string file)
    {
        object read = Assert.Single(Read(File.ReadAllText(Path.Combine(Shipped, file))));

        if (read is CustomResources.ClusterServingRuntime runtime)
        {
            CheckSettings(runtime.Spec.Containers.Single());
            Assert.Equal(["v2", "grpc-v2"], runtime.Spec.ProtocolVersions);
        }
        if (read is V1Job { Spec.CompletionMode: "Indexed" } job)
            Assert.Equal($"{job.Spec.Completions}", job.Spec.Template.Spec.Containers.Single().Env.Single(variable => variable.Name == "SHARDS").Value);
    }

    private static List<object> Read(string yaml) => KubernetesYaml.LoadAllFromString(yaml, CustomResources.Types, strict: true);

    /// <summary>What a container sets by environment is a setting of the service.</summary>
    private static void CheckSettings(V1Container container) => Assert.All(
        container.Env.Where(variable => variable.Name.Contains("__", StringComparison.Ordinal)),
        variable => Assert.Contains(variable.Name.Replace("__", ":", StringComparison.Ordinal), KnownSettings.Own.Keys));

    private static double Number(V1Container container, string name) => double.Parse(container.Env.Single(variable => variable.Name == name).Value);

    private static async Task<string> RenderAsync(string overlay)
    {
        string program = Installed.Find("kubectl", "what the overlays give", "kubernetes-client", "/usr/bin/kubectl", "/usr/local/bin/kubectl");
        using Process process = Process.Start(new ProcessStartInfo(program, ["kustomize", Path.Combine(Shipped, "kubernetes", "overlays", overlay)]) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        Task<string> output = process.StandardOutput.ReadToEndAsync(), errors = process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync();
        Assert.True(process.ExitCode == 0, await errors);
        return await output;
    }
}
