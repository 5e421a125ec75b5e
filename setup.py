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

"""Packaging: the single home of metadata, entry points, dependencies and data files."""

from __future__ import annotations

from pathlib import Path

from setuptools import find_packages, setup

NAME = 'xspec_ros'
ROOT = Path(__file__).resolve().parent  # colcon --symlink-install runs a link to this file

RUNTIME = [
    'faster-coco-eval>=1.6',
    'mcap>=1.1',
    'msgspec>=0.18',
    'numpy>=1.26',
    'onnxruntime>=1.18',
    'opencv-python-headless>=4.8',
    'pyyaml>=6.0',
    'rich>=13',
    'rosbags>=0.10.9',
    'typer>=0.12',
]
TEST = ['filelock>=3.12', 'hypothesis>=6.100', 'psutil>=5.9', 'pytest>=8.0', 'pytest-xdist>=3.5']
EXTRAS = {
    'train': [
        'lightning-fabric>=2.4',
        'onnx>=1.17',
        'onnxscript>=0.5',
        'safetensors>=0.4',
        'tensorboard>=2.14',
        'torch>=2.6',
        'transformers>=4.44',
    ],
    'dds': ['cyclonedds>=0.10.5'],
    'openvino': ['openvino>=2024.6'],
    'tensorrt': ['cuda-python>=12.6', 'tensorrt>=10.0'],
    'view': ['foxglove-sdk>=0.6'],
    'test': TEST,  # colcon test looks for pytest here
    'dev': [*TEST, 'mypy>=1.13', 'ruff>=0.8', 'types-PyYAML>=6.0'],
}


def files_below(folder: str) -> list[tuple[str, list[str]]]:
    """Return the data-file entries for a folder, each file in the same place under share."""
    places: dict[str, list[str]] = {}
    for path in sorted((ROOT / folder).rglob('*')):
        relative = path.relative_to(ROOT)
        if path.is_file() and '__pycache__' not in relative.parts:
            place = f'share/{NAME}/{relative.parent.as_posix()}'
            places.setdefault(place, []).append(str(relative))
    return list(places.items())


def executables() -> list[str]:
    """Return the programs that ``ros2 run`` and launch files find in lib/xspec_ros."""
    return [f'executables/{path.name}' for path in sorted((ROOT / 'executables').iterdir())]


setup(
    name=NAME,
    version='0.1.0',
    description='Thermal perception for robots, trained without thermal labels',
    long_description=(ROOT / 'README.md').read_text(encoding='utf-8'),
    long_description_content_type='text/markdown',
    license='Apache-2.0',
    maintainer='xspec_ros maintainers',
    maintainer_email='maintainers@xspec-ros.invalid',
    python_requires='>=3.10',
    packages=find_packages(include=[NAME, f'{NAME}.*']),
    package_data={
        NAME: ['py.typed', 'models/**/*', 'report/*.html', 'messages/definitions/**/*.msg']
    },
    data_files=[
        ('share/ament_index/resource_index/packages', [f'resource/{NAME}']),
        (f'share/{NAME}', ['package.xml']),
        (f'lib/{NAME}', executables()),
        *files_below('launch'),
        *files_below('config'),
    ],
    install_requires=RUNTIME,
    extras_require=EXTRAS,
    entry_points={'console_scripts': ['xspec = xspec_ros.cli.app:main']},
    zip_safe=False,
)
