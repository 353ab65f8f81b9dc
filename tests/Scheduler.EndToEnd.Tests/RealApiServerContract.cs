using Scheduler.TestKit;
using Xunit;

[assembly: AssemblyFixture(typeof(ControlPlaneFixture))]

namespace Scheduler.EndToEnd.Tests;

// The contract suite on a real kube-apiserver. What it says here is right by definition.
public sealed class RealListContract(ControlPlaneFixture server) : ListContract(server);
public sealed class RealWatchContract(ControlPlaneFixture server) : WatchContract(server);
public sealed class RealObjectContract(ControlPlaneFixture server) : ObjectContract(server);
public sealed class RealPatchContract(ControlPlaneFixture server) : PatchContract(server);
public sealed class RealApplyContract(ControlPlaneFixture server) : ApplyContract(server);
public sealed class RealPodContract(ControlPlaneFixture server) : PodContract(server);
public sealed class RealEvictionContract(ControlPlaneFixture server) : EvictionContract(server);
public sealed class RealEventAndLeaseContract(ControlPlaneFixture server) : EventAndLeaseContract(server);
public sealed class RealCustomResourceContract(ControlPlaneFixture server) : CustomResourceContract(server);
public sealed class RealClientContract(ControlPlaneFixture server) : ClientContract(server);
