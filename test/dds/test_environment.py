# Copyright 2026 xspec_ros maintainers
#
# Licensed under the Apache License, Version 2.0 (the "License");
# you may not use this file except in compliance with the License.
# You may obtain a copy of the License at
#
#     http://www.apache.org/licenses/LICENSE-2.0
#
# Unless required by applicable law or agreed to in writing, software
# distributed under the License is distributed on an "AS IS" BASIS,
# WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
# See the License for the specific language governing permissions and
# limitations under the License.

"""The ROS environment decides domain and discovery as it does for ROS nodes."""

import os
from xml.etree import ElementTree

import pytest

from xspec_ros.dds.environment import (
    choose_domain,
    cyclone_uri,
    discovery_range,
    discovery_xml,
    refuse_security,
    silence_causes,
)
from xspec_ros.errors import ConfigError


@pytest.mark.parametrize(
    ('option', 'variable', 'domain'),
    [(None, None, 0), (None, '', 0), (None, '42', 42), (7, '42', 7), (0, '42', 0)],
)
def test_option_beats_variable_beats_zero(option, variable, domain):
    environ = {} if variable is None else {'ROS_DOMAIN_ID': variable}
    assert choose_domain(option, environ) == domain


@pytest.mark.parametrize('variable', ['-1', '233', 'robot', '1.5'])
def test_unusable_domain_is_refused(variable):
    with pytest.raises(ConfigError, match='domain'):
        choose_domain(None, {'ROS_DOMAIN_ID': variable})


def test_localhost_keeps_discovery_on_this_machine():
    xml = discovery_xml({'ROS_AUTOMATIC_DISCOVERY_RANGE': 'LOCALHOST'})
    tree = ElementTree.fromstring(xml)
    assert tree.findtext('Domain/General/AllowMulticast') == 'false'
    assert tree.findtext('Domain/Discovery/MaxAutoParticipantIndex') == '32'
    assert [peer.get('address') for peer in tree.iter('Peer')] == ['localhost']


def test_old_variable_means_localhost_and_beats_peers():
    environ = {'ROS_LOCALHOST_ONLY': '1', 'ROS_STATIC_PEERS': '10.0.0.1'}
    tree = ElementTree.fromstring(discovery_xml(environ))
    assert discovery_range(environ) == 'LOCALHOST'
    assert [peer.get('address') for peer in tree.iter('Peer')] == ['localhost']


def test_static_peers_are_added_to_the_subnet():
    tree = ElementTree.fromstring(discovery_xml({'ROS_STATIC_PEERS': '10.0.0.1; robot'}))
    assert [peer.get('address') for peer in tree.iter('Peer')] == ['10.0.0.1', 'robot']
    assert tree.find('Domain/General') is None


def test_off_hides_the_process_behind_its_own_tag():
    tree = ElementTree.fromstring(discovery_xml({'ROS_AUTOMATIC_DISCOVERY_RANGE': 'OFF'}))
    assert tree.findtext('Domain/Discovery/Tag') == f'ros_discovery_off_{os.getpid()}'
    assert tree.findtext('Domain/Discovery/ParticipantIndex') == 'none'


def test_system_default_leaves_discovery_alone():
    assert discovery_xml({'ROS_AUTOMATIC_DISCOVERY_RANGE': 'SYSTEM_DEFAULT'}) == ''


def test_unknown_range_is_refused():
    with pytest.raises(ConfigError, match='LOCALHOST'):
        discovery_range({'ROS_AUTOMATIC_DISCOVERY_RANGE': 'HOUSE'})


def test_settings_of_the_user_come_last():
    uri = cyclone_uri({'CYCLONEDDS_URI': 'file:///etc/dds.xml'})
    assert uri.endswith(',file:///etc/dds.xml')
    assert 'SocketReceiveBufferSize min="default" max="16MB"' in uri


def test_security_that_only_permits_is_no_reason_to_stop():
    refuse_security({'ROS_SECURITY_ENABLE': 'true', 'ROS_SECURITY_STRATEGY': 'Permissive'})


def test_zenoh_comes_first_where_it_is_set():
    causes = silence_causes(5, {'RMW_IMPLEMENTATION': 'rmw_zenoh_cpp'})
    assert causes.startswith('RMW_IMPLEMENTATION=rmw_zenoh_cpp')
    assert 'this is 5' in causes


def test_on_one_machine_it_listens_on_loopback_unless_the_user_names_interfaces() -> None:
    local = {'ROS_AUTOMATIC_DISCOVERY_RANGE': 'LOCALHOST'}
    assert 'address="127.0.0.1"' in discovery_xml(local)
    own = {'CYCLONEDDS_URI': '<CycloneDDS/>'}
    assert 'NetworkInterface' not in discovery_xml(local | own)
    assert 'NetworkInterface' not in discovery_xml({'ROS_AUTOMATIC_DISCOVERY_RANGE': 'SUBNET'})
