using k8s;
using k8s.Models;

namespace FlowService.Tests.Deploy;

/// <summary>
/// What deploy/ uses of the resources that Kubernetes does not know by itself, by the schemas of their projects: KEDA, the Prometheus operator, KServe. A
/// field that stands in none of these classes is refused when a file is read.
/// </summary>
internal static class CustomResources
{
    /// <summary>Every kind that a file may have, and its type.</summary>
    public static readonly Dictionary<string, Type> Types = new()
    {
        ["keda.sh/v1alpha1/ScaledObject"] = typeof(ScaledObject),
        ["monitoring.coreos.com/v1/ServiceMonitor"] = typeof(ServiceMonitor),
        ["serving.kserve.io/v1alpha1/ClusterServingRuntime"] = typeof(ClusterServingRuntime),
        ["serving.kserve.io/v1beta1/InferenceService"] = typeof(InferenceService),
    };

    public abstract class Resource : IKubernetesObject
    {
        public string ApiVersion { get; set; } = "";
        public string Kind { get; set; } = "";
        public V1ObjectMeta Metadata { get; set; } = new();
    }

    public sealed class ScaledObject : Resource
    {
        public ScaledObjectSpec Spec { get; set; } = new();
    }

    public sealed class ScaledObjectSpec
    {
        public ScaleTarget ScaleTargetRef { get; set; } = new();
        public int MinReplicaCount { get; set; }
        public int MaxReplicaCount { get; set; }
        public int PollingInterval { get; set; }
        public int CooldownPeriod { get; set; }
        public List<Trigger> Triggers { get; set; } = [];
    }

    public sealed class ScaleTarget
    {
        public string Name { get; set; } = "";
    }

    public sealed class Trigger
    {
        public string Type { get; set; } = "";
        public PrometheusTrigger Metadata { get; set; } = new();
    }

    public sealed class PrometheusTrigger
    {
        public string ServerAddress { get; set; } = "";
        public string Query { get; set; } = "";
        public string Threshold { get; set; } = "";
    }

    public sealed class ServiceMonitor : Resource
    {
        public ServiceMonitorSpec Spec { get; set; } = new();
    }

    public sealed class ServiceMonitorSpec
    {
        public V1LabelSelector Selector { get; set; } = new();
        public List<MonitoredEndpoint> Endpoints { get; set; } = [];
    }

    public sealed class MonitoredEndpoint
    {
        public string Port { get; set; } = "";
        public string Path { get; set; } = "";
        public string Interval { get; set; } = "";
        public Authorization Authorization { get; set; } = new();
    }

    public sealed class Authorization
    {
        public string Type { get; set; } = "";
        public V1SecretKeySelector Credentials { get; set; } = new();
    }

    public sealed class ClusterServingRuntime : Resource
    {
        public ServingRuntimeSpec Spec { get; set; } = new();
    }

    public sealed class ServingRuntimeSpec
    {
        public Dictionary<string, string> Annotations { get; set; } = [];
        public List<SupportedModelFormat> SupportedModelFormats { get; set; } = [];
        public List<string> ProtocolVersions { get; set; } = [];
        public List<V1Container> Containers { get; set; } = [];
    }

    public sealed class SupportedModelFormat
    {
        public string Name { get; set; } = "";
        public string Version { get; set; } = "";
        public bool AutoSelect { get; set; }
        public int Priority { get; set; }
    }

    public sealed class InferenceService : Resource
    {
        public InferenceServiceSpec Spec { get; set; } = new();
    }

    public sealed class InferenceServiceSpec
    {
        public Predictor Predictor { get; set; } = new();
    }

    public sealed class Predictor
    {
        public int CanaryTrafficPercent { get; set; }
        public int MinReplicas { get; set; }
        public int MaxReplicas { get; set; }
        public string ScaleMetric { get; set; } = "";
        public int ScaleTarget { get; set; }
        public PredictedModel Model { get; set; } = new();
    }

    public sealed class PredictedModel
    {
        public string Runtime { get; set; } = "";
        public ModelFormat ModelFormat { get; set; } = new();
        public string ProtocolVersion { get; set; } = "";
        public string StorageUri { get; set; } = "";
    }

    public sealed class ModelFormat
    {
        public string Name { get; set; } = "";
    }
}
