"""One session of kubectl as people use it: each row is a command, its exit code and what stands in its output.

Sections are run from top to bottom, each on what the ones above it left; all that a section gets wrong is told at once.
"""

# ruff: noqa: E501 - a row is read as a row: a command and what it prints, in one line

from __future__ import annotations

import os
import re
import shlex
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import pytest

from aksdisks.lab.server import process
from tests.processes import running
from tests.programs import needs

pytestmark = needs("kubectl")

NODE = "aks-agentpool-22115152-vmss00000"


@dataclass(frozen=True)
class Row:
    """`expected`: texts of the output, columns one space apart; a regular expression when it begins with `~`.

    What begins with `!` must not be there. Code None: the machine says which.
    """

    command: str
    expected: tuple[str, ...]
    code: int | None = 0
    stdin: str | None = None
    seconds: float | None = None
    """The command has no end of its own, and is ended after so long."""


def row(
    command: str, *expected: str, code: int | None = 0, stdin: str | None = None, seconds: float | None = None
) -> Row:
    return Row(command, expected, code, stdin, seconds)


CLAIM = """
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: data, labels: {tier: store}}
spec:
  accessModes: [ReadWriteOnce]
  storageClassName: managed-premium
  resources: {requests: {storage: 4Gi}}
"""
DEPLOYMENT = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, labels: {tier: front}}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      terminationGracePeriodSeconds: 1
      containers:
      - name: web
        image: nginx:1
        ports: [{containerPort: 80}]
"""
STATEFUL_SET = """
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: db}
spec:
  replicas: 2
  serviceName: db
  selector: {matchLabels: {app: db}}
  template:
    metadata: {labels: {app: db}}
    spec:
      terminationGracePeriodSeconds: 1
      containers:
      - name: db
        image: postgres:16
        volumeMounts: [{name: files, mountPath: /files}]
  volumeClaimTemplates:
  - metadata: {name: files}
    spec:
      accessModes: [ReadWriteOnce]
      resources: {requests: {storage: 4Gi}}
"""
CONFIG = """
apiVersion: v1
kind: ConfigMap
metadata: {name: settings}
data: {colour: blue}
"""
ROLE = """
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: reader, namespace: shop}
rules: [{apiGroups: [""], resources: [pods, services], verbs: [get]}]
"""
SLICE = """
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: by-hand, labels: {kubernetes.io/service-name: web}}
addressType: IPv4
ports: [{name: http, port: 80, protocol: TCP}]
endpoints: [{addresses: [10.244.0.99], conditions: {ready: true}}]
"""
VOLUME = """
apiVersion: v1
kind: PersistentVolume
metadata: {name: by-hand}
spec:
  capacity: {storage: 1Gi}
  accessModes: [ReadWriteOnce]
  persistentVolumeReclaimPolicy: Retain
  csi: {driver: disk.csi.azure.com, volumeHandle: /subscriptions/none}
"""

SESSION: dict[str, list[Row]] = {
    "apply, both ways": [
        row("create namespace shop", "namespace/shop created"),
        row("apply -f -", "persistentvolumeclaim/data created", stdin=CLAIM),
        row("apply -f -", "deployment.apps/web created", stdin=DEPLOYMENT),
        row("apply --server-side -f -", "statefulset.apps/db serverside-applied", stdin=STATEFUL_SET),
        row("apply -f -", "configmap/settings created", stdin=CONFIG),
        row("rollout status deployment/web --timeout=20s", 'deployment "web" successfully rolled out'),
        row("rollout status statefulset/db --timeout=20s", "~2 new pods|2 pods at revision|roll out complete"),
        row("apply -f -", "deployment.apps/web unchanged", stdin=DEPLOYMENT),
        row("apply --server-side -f -", "statefulset.apps/db serverside-applied", stdin=STATEFUL_SET),
        row("apply --dry-run=server -f -", "configmap/settings configured (server dry run)",
            stdin=CONFIG.replace("blue", "red")),
        row("get cm settings -o jsonpath={.data.colour}", "blue"),
        row("apply --server-side --field-manager=other -f -", 'conflict with "kubectl-client-side-apply"', ".data.colour",
            code=1, stdin=CONFIG.replace("blue", "red")),
        row("apply --server-side --field-manager=other --force-conflicts -f -", "settings serverside-applied",
            stdin=CONFIG.replace("blue", "red")),
        # Another manager than kubectl's own takes the annotation over, and drops it.
        row("apply view-last-applied cm/settings", "!colour"),
        row("apply -f -", "configmap/migrant created", stdin=CONFIG.replace("settings", "migrant")),
        row("apply --server-side -f -", "configmap/migrant serverside-applied",
            stdin=CONFIG.replace("settings", "migrant").replace("blue", "red")),
        row("apply view-last-applied cm/migrant", "colour: red"),
        row("get cm migrant -o yaml --show-managed-fields", "manager: kubectl-last-applied", "manager: kubectl",
            "!kubectl-client-side-apply"),
        row("get cm settings -o yaml --show-managed-fields", "manager: other", "operation: Apply", "f:colour: {}"),
        row("apply --prune -l tier=front -f - --prune-allowlist=core/v1/ConfigMap", "web", stdin=DEPLOYMENT),
        row("apply -f -", 'strict decoding error: unknown field "spec.size"', code=1,
            stdin=CLAIM.replace("name: data", "name: x").replace("spec:", "spec:\n  size: 4Gi")),
        row("apply --validate=warn -f - --dry-run=server", 'Warning: unknown field "spec.size"', "data configured",
            stdin=CLAIM.replace("spec:", "spec:\n  size: 4Gi")),
        row("apply --validate=false -f - --dry-run=server", "data configured", "!Warning",
            stdin=CLAIM.replace("spec:", "spec:\n  size: 4Gi").replace("store", "other")),
        row("diff -f -", "- replicas: 2", "+ replicas: 3", code=1, stdin=DEPLOYMENT.replace("replicas: 2", "replicas: 3")),
        row("diff --server-side -f -", "!replicas", stdin=STATEFUL_SET),
        row("diff -f -", "!kind", stdin=DEPLOYMENT),
    ],
    "get, in every form": [
        row("get pods", "NAME READY STATUS RESTARTS AGE", "db-0 1/1 Running 0", "~web-[a-z0-9]{6,10}-[a-z0-9]{5} 1/1"),
        row("get pods -o wide", "IP NODE NOMINATED NODE READINESS GATES", f"~db-0 1/1 Running 0 \\S+ 10\\S+ {NODE}"),
        row("get pods --no-headers -l app=db", "!NAME", "db-1 1/1"),
        row("get pods --show-labels -l app=web", "LABELS", "app=web,pod-template-hash="),
        row("get pods -L app,tier", "APP TIER", "~db-0 1/1 Running 0 \\S+ db"),
        row("get pods -o name -l app=db", "pod/db-0", "pod/db-1"),
        row("get pvc data -o yaml", "kind: PersistentVolumeClaim", "storage: 4Gi", "phase: Pending", "!managedFields"),
        row("get pvc data -o json", '"kind": "PersistentVolumeClaim"', '"tier": "store"'),
        row("get pvc -o jsonpath={range.items[*]}{.metadata.name}={.status.phase},{end}", "data=Pending,files-db-0=Bound"),
        row("get pods -o jsonpath-as-json={.items[*].metadata.name}", '"db-0",'),
        row("get pvc -o custom-columns=NAME:.metadata.name,SIZE:.spec.resources.requests.storage", "NAME SIZE", "data 4Gi"),
        row("get pvc data -o go-template='{{.metadata.name}}:{{len .spec.accessModes}}'", "data:1"),
        row("get pods -o go-template='{{range .items}}{{.spec.nodeName}} {{end}}'", NODE),
        row("get pods --sort-by={.spec.containers[0].image} -o name", "~(pod/web-\\S+ ){2}pod/db-"),
        row("get pvc --sort-by={.metadata.name}", "~data Pending .* files-db-0 Bound .* files-db-1 Bound"),
        row("get pods --field-selector spec.nodeName=nowhere", "No resources found in shop namespace."),
        row("get pods --field-selector status.phase=Running,metadata.name=db-1 -o name", "pod/db-1", "!db-0"),
        row("get pods -l app!=web -o name", "pod/db-0", "!web"),
        row("get pods -l 'app in (web,db)' -o name", "pod/db-0", "pod/web-"),
        row("get all", "pod/db-0 1/1", "deployment.apps/web 2/2 2 2", "~replicaset.apps/web-\\S+ 2 2 2"),
        row("get pods,pvc,cm", "pod/db-0", "persistentvolumeclaim/files-db-0 Bound", "configmap/settings 1"),
        row("get pods -A", "NAMESPACE NAME READY", "shop db-0 1/1"),
        row("get deploy,sts -o wide", "CONTAINERS IMAGES", "web nginx:1 app=web", "statefulset.apps/db 2/2"),
        row("get pod/db-0 sts/db", "pod/db-0 1/1", "statefulset.apps/db 2/2"),
        row("get pods -w", "db-0 1/1 Running", code=1, seconds=1),
        row("get pods -w --output-watch-events", "EVENT NAME READY", "ADDED db-0", code=1, seconds=1),
        row("get pods -w --request-timeout=1s -o name", "pod/db-0"),
        row("get pods --chunk-size=1 -o name", "pod/db-0", "pod/db-1"),
        row("get sts db --subresource=scale", "NAME DESIRED AVAILABLE AGE", "db 2 2"),
        row("get deploy web --subresource=status -o jsonpath={.status.readyReplicas}", "2"),
        row("get --raw /api/v1/namespaces/shop/pods/db-0", '"kind":"Pod"'),
        row("get pods --ignore-not-found nope", "!NotFound"),
        row("get pvc,pv -A -o name", "persistentvolumeclaim/data", "persistentvolume/pvc-"),
        row("get nodes,sc,csidrivers,csinodes,volumeattachments", f"node/{NODE}0 Ready", "managed-premium", "disk.csi.azure.com"),
    ],
    "describe, every served kind": [
        row("create -f -", "endpointslice.discovery.k8s.io/by-hand created", stdin=SLICE),
        row("create -f -", "persistentvolume/by-hand created", stdin=VOLUME),
        row("expose deployment web --port=80 --name=web", "service/web exposed"),
        row("create quota none --hard=pods=1", "the lab has nothing that would act on ResourceQuota", code=1),
        row("create poddisruptionbudget keep --selector=app=db --min-available=1", "poddisruptionbudget.policy/keep created"),
        row("create role reader --verb=get,list --resource=pods", "role.rbac.authorization.k8s.io/reader created"),
        row("create rolebinding reads --role=reader --serviceaccount=shop:default", "rolebinding.rbac.authorization.k8s.io/reads"),
        row("create clusterrole looker --verb=get --resource=nodes", "clusterrole.rbac.authorization.k8s.io/looker created"),
        row("create clusterrolebinding looks --clusterrole=looker --user=ann", "looks created"),
        row("create cronjob tick --image=busybox --schedule='*/5 * * * *' -- date", "cronjob.batch/tick created"),
        row("create secret generic hidden --from-literal=key=value", "secret/hidden created"),
        row("create serviceaccount robot", "serviceaccount/robot created"),
        row("create priorityclass urgent --value=1000", "priorityclass.scheduling.k8s.io/urgent created"),
        row("describe pod db-0", "Node: aks-agentpool", "ClaimName: files-db-0", "Normal Scheduled", "SuccessfulAttachVolume"),
        row("describe deployment web", "Replicas: 2 desired | 2 updated | 2 total", "StrategyType: RollingUpdate", "Image: nginx:1"),
        row("describe rs -l app=web", "Controlled By: Deployment/web", "Pods Status: 2 Running"),
        row("describe sts db", "Replicas: 2 desired | 2 total", "Name: files", "SuccessfulCreate"),
        row("describe controllerrevisions", "Kind: ControllerRevision"),
        row("describe pvc files-db-0", "Status: Bound", "Used By: db-0"),
        row("describe pvc data", "StorageClass: managed-premium", "Status: Pending", "waiting for first consumer"),
        row("describe pv by-hand", "Reclaim Policy: Retain", "Driver: disk.csi.azure.com", "VolumeHandle: /subscriptions/none"),
        row("describe sc managed-premium", "Provisioner: disk.csi.azure.com", "VolumeBindingMode:"),
        row("describe volumeattachments", "Kind: VolumeAttachment", "Attached: true"),
        row("describe csidriver disk.csi.azure.com", "Kind: CSIDriver", "Attach Required: true"),
        row(f"describe csinode {NODE}0", "Drivers:", "disk.csi.azure.com"),
        row(f"describe node {NODE}0", "Taints: <none>", "Conditions:", "Ready True", "Allocated resources:", "Lease:"),
        row("describe ns shop", "Status: Active"),
        row("describe cm settings", "colour:"),
        row("describe secret hidden", "key: 5 bytes", "!value"),
        row("describe sa robot", "Tokens: <none>"),
        row("describe svc web", "Type: ClusterIP", "Selector: app=web", "Port: <unset> 80/TCP"),
        row("describe endpointslice by-hand", "AddressType: IPv4", "Addresses: 10.244.0.99"),
        row("get endpointslices -l kubernetes.io/service-name=web,endpointslice.kubernetes.io/managed-by", "web-", "IPv4 80 10.244."),
        row("get endpointslices -n default", "kubernetes IPv4 443 203.0.113.1"),
        row("describe pdb keep", "Min available: 1", "Selector: app=db", "Allowed disruptions:"),
        row("describe role reader", "pods [] [] [get list]"),
        row("describe rolebinding reads", "Kind: Role", "ServiceAccount default shop"),
        row("describe clusterrole looker", "nodes [] [] [get]"),
        row("describe clusterrolebinding looks", "User ann"),
        row("describe cronjob tick", "Schedule: */5 * * * *", "Last Schedule Time: <unset>"),
        row(f"describe lease {NODE}0 -n kube-node-lease", "Holder Identity: aks-agentpool"),
        row("describe priorityclass urgent", "Value: 1000"),
        row("describe events", "Kind: Event"),
        row("get cronjobs,pdb,roles,rolebindings,endpointslices,sa", "*/5 * * * *", "keep 1 N/A", "by-hand IPv4 80 10.244.0.99"),
    ],
    "create, tried on the server": [
        row("create namespace tried --dry-run=server", "namespace/tried created (server dry run)"),
        row("create configmap tried --from-literal=a=b --dry-run=server -o yaml", "a: b", "namespace: shop"),
        row("create secret generic tried --from-literal=a=b --dry-run=server", "secret/tried created (server dry run)"),
        row("create secret docker-registry tried --docker-server=r --docker-username=u --docker-password=p --dry-run=server",
            "secret/tried created (server dry run)"),
        row("create deployment tried --image=nginx --replicas=2 --dry-run=server -o jsonpath={.spec.strategy.type}",
            "RollingUpdate"),
        row("create cronjob tried --image=x --schedule='0 0 * * *' --dry-run=server", "cronjob.batch/tried created (server"),
        row("create cronjob tried --image=x --schedule=never --dry-run=server", "Invalid value", code=1),
        row("create job tried --image=busybox --dry-run=server", "job.batch/tried created (server dry run)"),
        row("create service clusterip tried --tcp=80:80 --dry-run=server", "service/tried created (server dry run)"),
        row("create serviceaccount tried --dry-run=server", "serviceaccount/tried created (server dry run)"),
        row("create role tried --verb=get --resource=pods --dry-run=server", "tried created (server dry run)"),
        row("create pdb tried --selector=a=b --max-unavailable=1 --dry-run=server", "tried created (server dry run)"),
        row("create token robot --duration=10m", "~^[\\w-]+\\.[\\w-]+\\.[\\w-]+$"),
        row("create ingress tried --rule=a/b=c:80 --dry-run=server", "would act on Ingress, so", code=1),
        row("create -f - --dry-run=server", "configmap/tried created (server dry run)", stdin=CONFIG.replace("settings", "tried")),
        row("run tried --image=nginx --dry-run=server", "pod/tried created (server dry run)"),
        row("expose deployment web --port=80 --name=tried --dry-run=server", "service/tried exposed (server dry run)"),
        row("get ns,cm,secret,deploy,sa,role,pdb,svc,pod -o name", "!tried"),
    ],
    "change": [
        row("replace -f -", "configmap/settings replaced", stdin=CONFIG.replace("blue", "green")),
        row("get cm settings -o jsonpath={.data.colour}", "green"),
        row("replace -f -", 'configmaps "nope" not found', code=1, stdin=CONFIG.replace("settings", "nope")),
        row("replace --force -f -", 'configmap "settings" deleted', "configmap/settings replaced", stdin=CONFIG),
        row("edit cm settings", "configmap/settings edited"),
        row("get cm settings -o jsonpath={.data.colour}", "purple"),
        row("edit cm settings", "Edit cancelled, no changes made."),
        row("""patch cm settings -p '{"data":{"a":"1"}}'""", "configmap/settings patched"),
        row("""patch cm settings --type=merge -p '{"data":{"a":null,"b":"2"}}'""", "configmap/settings patched"),
        row("""patch cm settings --type=json -p '[{"op":"replace","path":"/data/b","value":"3"}]'""", "settings patched"),
        row("get cm settings -o jsonpath={.data}", '{"b":"3","colour":"purple"}'),
        row("""patch cm settings --type=json -p '[{"op":"test","path":"/data/b","value":"4"}]'""", "error", code=1),
        row("""patch deploy web -p '{"spec":{"template":{"spec":{"containers":[{"name":"web","env":[{"name":"A","value":"1"}]}]}}}}'
            """, "deployment.apps/web patched"),
        row("get deploy web -o jsonpath={..containers[*].image}{..env}", 'nginx:1[{"name":"A","value":"1"}]'),
        row("""patch cm settings -p '{"data":{"b":"3"}}'""", "settings patched (no change)"),
        row("""patch sts db --subresource=scale --type=merge -p '{"spec":{"replicas":2}}'""", "scale.autoscaling/db patched"),
        row("""patch pvc data -p '{"spec":{"accessModes":["ReadOnlyMany"]}}'""", "spec is immutable after creation", code=1),
        row("label pod db-0 colour=red", "pod/db-0 labeled"),
        row("label pod db-0 colour=blue", "already has a value (red), and --overwrite is false", code=1),
        row("label --overwrite pod db-0 colour=blue", "pod/db-0 labeled"),
        row("label pods -l app=db seen=yes", "pod/db-0 labeled", "pod/db-1 labeled"),
        row("label pod db-0 colour- seen-", "pod/db-0 unlabeled"),
        row("label pod db-0 'bad key=x'", "name part must consist of alphanumeric characters", code=1),
        row("annotate deploy web kubernetes.io/change-cause=first", "deployment.apps/web annotated"),
        row("annotate deploy web note=x", "annotated"),
        row("annotate deploy web note-", "annotated"),
    ],
    "scale and roll": [
        row("scale deployment/web --replicas=3", "deployment.apps/web scaled"),
        row("scale deployment/web --replicas=1 --current-replicas=7", "Expected replicas to be 7, was 3", code=1),
        row("scale --replicas=1 sts/db", "statefulset.apps/db scaled"),
        row("scale --replicas=2 sts/db --timeout=20s", "statefulset.apps/db scaled"),
        row("autoscale deployment web --max=3", "would act on HorizontalPodAutoscaler, so", code=1),
        row("set image deployment/web web=nginx:2", "deployment.apps/web image updated"),
        row("rollout status deploy/web --timeout=20s", "successfully rolled out"),
        row("rollout history deployment/web", "REVISION CHANGE-CAUSE", "~3 first|3 <none>"),
        row("rollout history deployment/web --revision=3", "Image: nginx:2"),
        row("rollout undo deployment/web", "deployment.apps/web rolled back"),
        row("rollout status deploy/web --timeout=20s", "successfully rolled out"),
        row("get deploy web -o jsonpath={..containers[*].image}", "nginx:1"),
        row("rollout undo deployment/web --to-revision=99", "unable to find specified revision 99", code=1),
        row("rollout pause deployment/web", "deployment.apps/web paused"),
        row("set resources deployment/web -c=web --requests=cpu=10m,memory=16Mi", "resource requirements updated"),
        row("set env deployment/web COLOUR=red", "deployment.apps/web env updated"),
        row("rollout undo deployment/web", "cannot rollback a paused deployment", code=1),
        row("rollout resume deployment/web", "deployment.apps/web resumed"),
        row("rollout status deploy/web --timeout=20s", "successfully rolled out"),
        row("set env deployment/web --list", "COLOUR=red"),
        row("get deploy web -o jsonpath={..requests}", '{"cpu":"10m","memory":"16Mi"}'),
        row("set serviceaccount deployment/web robot", "serviceaccount updated"),
        row("set selector svc/web app=web", "service/web selector updated"),
        row("rollout restart deployment/web", "deployment.apps/web restarted"),
        row("rollout status deploy/web --timeout=20s", "successfully rolled out"),
        row("rollout restart sts/db", "statefulset.apps/db restarted"),
        row("rollout status sts/db --timeout=20s", "~roll out complete|2 pods at revision"),
        row("rollout history sts/db", "REVISION", "2"),
        row("rollout undo sts/db", "statefulset.apps/db rolled back"),
        row("rollout status sts/db --timeout=20s", "~roll out complete|2 pods at revision"),
    ],
    "wait and ask": [
        row("wait --for=condition=Available deploy/web --timeout=20s", "deployment.apps/web condition met"),
        row("wait --for=condition=Ready pod --all --timeout=20s", "pod/db-0 condition met"),
        row("wait --for=jsonpath={.status.phase}=Bound pvc/files-db-0", "persistentvolumeclaim/files-db-0 condition met"),
        row("wait --for=create pod/db-0", "pod/db-0 condition met"),
        row("wait --for=delete pod/nope --timeout=5s", "!error"),
        row("wait --for=condition=Ready pod/db-0 pod/nope", 'pods "nope" not found', code=1),
        row("wait --for=jsonpath={.data.colour}=red cm/settings --timeout=1s", "timed out waiting for the condition", code=1),
        row("events", "LAST SEEN TYPE REASON OBJECT MESSAGE", "Normal SuccessfulCreate StatefulSet/db"),
        row("events --for pod/db-0 --types=Normal", "Scheduled Pod/db-0 Successfully assigned shop/db-0"),
        row("get events --field-selector involvedObject.name=db,reason=SuccessfulCreate", "statefulset/db"),
        row("get events --sort-by=.lastTimestamp -o wide", "SUBOBJECT SOURCE MESSAGE FIRST SEEN COUNT NAME"),
        row("explain pods", "KIND: Pod", "VERSION: v1", "spec <PodSpec>"),
        row("explain sts.spec.persistentVolumeClaimRetentionPolicy", "whenDeleted <string>"),
        row("explain deployment --recursive", "rollingUpdate <RollingUpdateDeployment>", "maxSurge <IntOrString>"),
        row("explain pdb.spec", "GROUP: policy", "minAvailable <IntOrString>"),
        row("explain pvc.nope", 'field "nope" does not exist', code=1),
        row("api-resources", "NAME SHORTNAMES APIVERSION NAMESPACED KIND", "poddisruptionbudgets pdb policy/v1 true"),
        row("api-resources --api-group=apps --namespaced=true -o name", "deployments.apps", "statefulsets.apps"),
        row("api-resources --verbs=list,watch -o wide", "pods po v1 true Pod create,delete,deletecollection,get,list,patch"),
        row("api-versions", "apps/v1", "policy/v1", "rbac.authorization.k8s.io/v1", "storage.k8s.io/v1", "v1"),
        row("version -o json", '"gitVersion": "v1.35.0"'),
        row("cluster-info", "Kubernetes control plane is running at https://127.0.0.1:"),
        row("auth can-i delete pv", "yes"),
        row("auth can-i get pods --as=system:serviceaccount:shop:default", "yes"),
        row("auth can-i delete pods --as=system:serviceaccount:shop:default", "no", code=1),
        row("auth can-i --list --as=system:serviceaccount:shop:default", "pods [] [] [get list]"),
        row("auth whoami", "Username aksdisks-admin", "system:masters"),
        row("auth reconcile -f -", "reconciled", stdin=ROLE),
    ],
    "run, exec, and what the lab has not": [
        row("run one --image=busybox --restart=Never --labels=app=one -- sleep 60", "pod/one created"),
        row("wait --for=condition=Ready pod/one --timeout=20s", "pod/one condition met"),
        row("exec one -- echo hello", "~hello|cannot confine a command", code=None),
        row("exec db-0 -- sh -c 'echo kept > /files/x && cat /files/x'", "~kept|cannot confine a command", code=None),
        row("exec deploy/web -- hostname", "~web-|cannot confine a command", code=None),
        row("exec one -c two -- ls", "container two is not valid for pod one", code=1),
        row("logs one", "the lab does not run the containers' own commands", code=1),
        row("logs -f deploy/web", "the lab does not run the containers' own commands", code=1),
        row("logs one -c two", "container two is not valid for pod one", code=1),
        row("attach one", "the lab does not run the containers' own commands", code=1),
        row("port-forward pod/one 18080:80", "pods have no network", code=1),
        row("port-forward svc/web 18080:80", "pods have no network", code=1),
        row("run two --image=busybox -i --rm --restart=Never -- sh", "the lab does not run", 'pod "two" deleted', code=1),
        row("debug one --image=busybox", "ephemeral containers are disabled", code=1),
        row(f"debug node/{NODE}0 --image=busybox --attach=false", "Creating debugging pod node-debugger-"),
        row("top pods", "Metrics API not available", code=1),
        row("top nodes", "Metrics API not available", code=1),
        row("get gadgets", 'the server doesn\'t have a resource type "gadgets"', code=1),
        row("get --raw /apis/metrics.k8s.io/v1beta1", "the server could not find the requested resource", code=1),
        row("certificate approve x", 'certificatesigningrequests.certificates.k8s.io "x" not found', code=1),
        row("get --raw /api/v1/namespaces/shop/pods/one/proxy/", "pods have no network", code=1),
    ],
    "nodes": [
        row(f"cordon {NODE}1", f"node/{NODE}1 cordoned"),
        row(f"cordon {NODE}1", f"node/{NODE}1 already cordoned"),
        row("get nodes", f"{NODE}1 Ready,SchedulingDisabled"),
        row(f"uncordon {NODE}1", f"node/{NODE}1 uncordoned"),
        row(f"taint node {NODE}1 spot=yes:NoSchedule", f"node/{NODE}1 tainted"),
        row(f"taint node {NODE}1 spot=no:NoSchedule", "already has spot taint(s) with same effect(s)", code=1),
        row(f"describe node {NODE}1", "Taints: spot=yes:NoSchedule"),
        row(f"taint node {NODE}1 spot-", f"node/{NODE}1 untainted"),
        row(f"label node {NODE}1 zone=a", "labeled"),
        row("get nodes -l zone=a -o name", f"node/{NODE}1", f"!{NODE}2"),
        row(f"drain {NODE}2 --dry-run=server --ignore-daemonsets --force --delete-emptydir-data", "(server dry run)"),
        row(f"drain {NODE}2 --ignore-daemonsets --force --delete-emptydir-data --timeout=30s", f"node/{NODE}2 drained"),
        row(f"get pods -A --field-selector spec.nodeName={NODE}2", "kube-system csi-azuredisk-node-", "!shop"),
        row(f"drain {NODE}2", "cannot delete DaemonSet-managed Pods (use --ignore-daemonsets to ignore)", code=1),
        row("get ds -A", "kube-system csi-azuredisk-node 3 3 3 3 3 kubernetes.io/os=linux"),
        row("delete ds csi-azuredisk-node -n kube-system", "those that AKS brings, so it takes none", code=1),
        row(f"uncordon {NODE}2", f"node/{NODE}2 uncordoned"),
    ],
    "delete": [
        row("delete pod db-1 --dry-run=server", 'pod "db-1" deleted (server dry run)'),
        row("delete pod db-1 --wait=false", 'pod "db-1" deleted'),
        row("rollout status sts/db --timeout=20s", "~roll out complete|2 pods at revision"),
        row("delete pod db-1 --grace-period=0 --force", "Immediate deletion does not wait", 'pod "db-1" force deleted'),
        row("rollout status sts/db --timeout=20s", "~roll out complete|2 pods at revision"),
        row("delete pod -l app=web --now --timeout=20s", "~pod \"web-\\S+\" deleted"),
        row("delete pod nope", 'pods "nope" not found', code=1),
        row("delete pod nope --ignore-not-found", "!NotFound"),
        row("delete sts db --cascade=orphan", 'statefulset.apps "db" deleted'),
        row("get pods -l app=db -o name", "pod/db-0", "pod/db-1"),
        row("apply --server-side -f -", "db serverside-applied", stdin=STATEFUL_SET),
        row("get pods -l app=db -o name", "pod/db-0", "pod/db-1"),
        row("delete sts db --cascade=foreground --timeout=20s", 'statefulset.apps "db" deleted'),
        row("get pods -l app=db", "No resources found"),
        row("get pvc -o name", "persistentvolumeclaim/files-db-0", "persistentvolumeclaim/files-db-1"),
        row("delete deploy web --cascade=background --timeout=20s", 'deployment.apps "web" deleted'),
        row("wait --for=delete pod -l app=web --timeout=20s", "!error"),
        row("delete pvc --all --timeout=20s", 'persistentvolumeclaim "data" deleted', "files-db-1"),
        row("delete -f -", 'configmap "settings" deleted', stdin=CONFIG),
        row("delete pv by-hand", 'persistentvolume "by-hand" deleted'),
        row("delete clusterrole,clusterrolebinding looker looks --ignore-not-found", "deleted"),
        row("delete priorityclass urgent", "deleted"),
        row("delete ns shop --timeout=30s", 'namespace "shop" deleted'),
        row("get ns shop", 'namespaces "shop" not found', code=1),
        row("wait --for=delete pv --all --timeout=20s", "!error"),
    ],
}  # fmt: skip


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mapping[str, str]]:
    """A shell on a lab of the session's own, with an editor that turns blue to purple."""
    state = process.start(tmp_path_factory.mktemp("session"), 100, parent=os.getpid())
    editor = "sed -i s/blue/purple/"
    own = {"KUBECACHEDIR": str(tmp_path_factory.mktemp("kube-cache")), "KUBE_EDITOR": editor}
    yield os.environ | state.environment() | own
    process.stop(state.state_dir)


def _problem(line: Row, environment: Mapping[str, str]) -> str:
    """What the command did that it should not have; empty when all is well."""
    command = ["kubectl", *shlex.split(line.command)]
    if "-n" not in command:
        command[1:1] = ["-n", "shop"]
    streams = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    with running(command, env=dict(environment), text=True, **streams) as process:
        try:
            shown, _ = process.communicate(line.stdin or "", timeout=line.seconds or 40)
        except subprocess.TimeoutExpired:
            if line.seconds is None:
                pytest.fail(f"$ kubectl {line.command.strip()}\n  no end; what follows would have none either")
            process.terminate()
            shown, _ = process.communicate(timeout=20)
    text = " ".join(shown.split())
    missing = [want for want in line.expected if not _holds(want, text)]
    if line.code in (None, process.returncode) and not missing:
        return ""
    wrong = f"exit code {process.returncode}, expected {line.code}; not as expected: {missing}"
    return f"$ kubectl {line.command.strip()}\n  {wrong}\n  {shown.strip()[:1500]}"


def _holds(want: str, text: str) -> bool:
    match want[:1]:
        case "~":
            return re.search(want[1:], text) is not None
        case "!":
            return want[1:] not in text
        case _:
            return want in text


@pytest.mark.parametrize("section", SESSION)
def test_session(section: str, environment: Mapping[str, str]) -> None:
    problems = [problem for line in SESSION[section] if (problem := _problem(line, environment))]
    assert not problems, "\n".join(problems)
