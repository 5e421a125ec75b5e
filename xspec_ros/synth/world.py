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

"""One drive's world: set up by seed, drawn from a moving camera at any time."""

from __future__ import annotations

from dataclasses import dataclass
import math
from typing import TYPE_CHECKING

import cv2
import numpy as np

from xspec_ros.synth.backdrop import Backdrop, draw_backdrop, draw_sky
from xspec_ros.synth.bicycle import draw_bicycle
from xspec_ros.synth.camera import Camera, FAR_M, Place
from xspec_ros.synth.canvas import Canvas, fixed_point, SHIFT
from xspec_ros.synth.car import draw_car
from xspec_ros.synth.climate import draw_weather, Temperatures
from xspec_ros.synth.furniture import draw_furniture, Post
from xspec_ros.synth.ground import draw_ground, finish, GroundPlan, PERIOD_M, rectangle
from xspec_ros.synth.layout import draw_street, Layout, Mover, place_lamps, Site, Tree
from xspec_ros.synth.light import draw_light
from xspec_ros.synth.panels import draw_panel, Panel
from xspec_ros.synth.person import draw_person, dress, riding_pose, walking_pose
from xspec_ros.synth.population import populate
from xspec_ros.synth.roadside import line_roadside
from xspec_ros.synth.surface import lay_ground

if TYPE_CHECKING:
    from xspec_ros.synth.settings import DriveSettings

_BEHIND_M = 12.0
CAR_CLEARANCE_M = 2.4
WALKER_CLEARANCE_M = 1.0
STEER_M = 20.0  # movers begin to keep clear of the camera's path here
CLEAR_M = 7.0  # and have done so here


@dataclass(frozen=True, slots=True, kw_only=True)
class Ride:
    """How the camera moves: speed, sway, bounce, and the road's bends."""

    focal: float
    height: float
    horizon: float
    lateral: float
    speed: float
    sway: float
    bend: tuple[float, float]
    rise: tuple[float, float]
    yaw: float
    start: float


class World:
    """The world of one drive.

    Args:
        settings: The drive; equal settings make equal worlds.
    """

    def __init__(self, settings: DriveSettings) -> None:
        rng = np.random.default_rng([settings.seed, 1, int(settings.night)])
        self.settings = settings
        self.weather = draw_weather(settings, rng)
        self.temps = Temperatures(self.weather)
        street = draw_street(rng)
        lamps, powers = place_lamps(street, rng)
        self.light = draw_light(self.weather, powers, PERIOD_M, rng)
        self.layout = Layout(street=street)
        site = Site(
            street=street,
            weather=self.weather,
            temps=self.temps,
            light=self.light,
            rng=rng,
            layout=self.layout,
            plan=GroundPlan.blank(),
        )
        lay_ground(site)
        line_roadside(site)
        populate(site)
        self.layout.posts.extend(lamps)
        self.ground = finish(site.plan, self.temps, self.light, rng)
        self.backdrop: Backdrop = draw_backdrop(self.temps, self.light, rng)
        self.ride = _draw_ride(settings, street.half, rng)

    def camera(self, seconds: float) -> Camera:
        """Return the view at a time."""
        ride = self.ride
        width, height = self.settings.size_wh
        station = ride.start + ride.speed * seconds
        phase = station * 2.0 * math.pi / PERIOD_M
        bounce = ride.sway * math.sin(2.0 * math.pi * 1.3 * seconds) * 0.12
        yaw = ride.yaw + 0.01 * math.sin(2.0 * phase + 1.0)
        # A sharper crest would hide what stands beyond it, which painting does not know.
        rise = ride.rise[0] + ride.rise[1] * math.sin(phase + 2.0)
        return Camera(
            size_wh=(width, height),
            focal=ride.focal,
            centre_u=0.5 * width - ride.focal * yaw,
            horizon_v=ride.horizon * height + ride.focal * 0.01 * bounce,
            height=ride.height + 0.02 * bounce,
            lateral=ride.lateral + 0.25 * ride.sway * math.sin(3.0 * phase),
            station=station,
            bend=ride.bend[0] + ride.bend[1] * math.sin(phase),
            rise=max(rise, -1.8 * ride.height / FAR_M**2),
        )

    def draw(self, seconds: float, shift_m: float = 0.0) -> Canvas:
        """Draw the view at a time from a camera moved right by ``shift_m``."""
        camera = self.camera(seconds)
        if shift_m:
            camera = camera.shifted(shift_m)
        canvas = Canvas.blank(camera.size_wh)
        draw_sky(canvas, camera, self.temps, self.light, self.backdrop, seconds)
        draw_ground(canvas, camera, self.ground, self.light)
        movers = self._near_movers(camera, seconds)
        self._drop_shadows(canvas, camera, movers)
        for _, thing, ahead in self._sorted(camera, movers):
            self._draw_one(canvas, camera, thing, ahead, seconds)
        return canvas

    def _near_movers(self, camera: Camera, seconds: float) -> list[tuple[Mover, Place]]:
        near = []
        # Beyond this they are smaller than what anybody labels.
        reach = min(90.0, 0.1 * camera.focal)
        for mover in self.layout.movers:
            lateral, station, heading = mover.path.at(seconds)
            ahead = _ahead(station, camera.station)
            if 2.2 < ahead < reach:
                if not mover.path.across:
                    clearance = CAR_CLEARANCE_M if mover.car is not None else WALKER_CLEARANCE_M
                    lateral = _kept_clear(lateral, ahead, self.ride.lateral, clearance)
                place = Place(
                    lateral=lateral, station=station % PERIOD_M, ahead=ahead, heading=heading
                )
                near.append((mover, place))
        return near

    def _sorted(
        self, camera: Camera, movers: list[tuple[Mover, Place]]
    ) -> list[tuple[float, object, float]]:
        """Everything to draw, far to near."""
        items: list[tuple[float, object, float]] = []
        for panel in self.layout.panels:
            first = _ahead(panel.start[1], camera.station)
            second = first + panel.end[1] - panel.start[1]
            if max(first, second) < 1.0 or min(first, second) > FAR_M:
                continue
            side = 0.5 * (panel.start[0] + panel.end[0]) - camera.lateral
            ahead = max(0.5 * (first + second), 0.5)
            items.append((math.hypot(side, ahead) + panel.recede, panel, first - panel.start[1]))
        for tree in self.layout.trees:
            ahead = _ahead(tree.station, camera.station)
            if 3.0 < ahead < FAR_M:
                items.append((math.hypot(tree.lateral - camera.lateral, ahead), tree, ahead))
        for post in self.layout.posts:
            ahead = _ahead(post.station, camera.station)
            if 1.5 < ahead < 70.0:
                items.append((math.hypot(post.lateral - camera.lateral, ahead), post, ahead))
        for mover, place in movers:
            items.append(
                (
                    math.hypot(place.lateral - camera.lateral, place.ahead),
                    (mover, place),
                    place.ahead,
                )
            )
        items.sort(key=lambda item: -item[0])
        return items

    def _draw_one(
        self, canvas: Canvas, camera: Camera, thing: object, ahead: float, seconds: float
    ) -> None:
        if isinstance(thing, Panel):
            draw_panel(canvas, camera, thing, ahead, self.light)
        elif isinstance(thing, Tree):
            draw_panel(canvas, camera, _billboard(thing, ahead), 0.0, self.light)
        elif isinstance(thing, Post):
            draw_furniture(canvas, camera, thing, ahead, temps=self.temps, light=self.light)
        elif isinstance(thing, tuple):
            self._draw_mover(canvas, camera, thing[0], thing[1], seconds)

    def _draw_mover(
        self, canvas: Canvas, camera: Camera, mover: Mover, place: Place, seconds: float
    ) -> None:
        temps, light = self.temps, self.light
        direct = temps.sunny('flat') if not light.night else 0.0
        if mover.car is not None:
            draw_car(canvas, camera, mover.car, place, temps=temps, light=light)
            return
        if mover.bike is not None:
            draw_bicycle(canvas, camera, mover.bike, place, temps=temps, light=light)
        if mover.body is not None:
            phase = mover.body.phase + mover.cadence * seconds
            pose = riding_pose if mover.bike is not None else walking_pose
            spot = light.spot(place.lateral, place.station, place.ahead)
            paints = dress(mover.body, temps=temps, spot=spot, direct=direct)
            joints = pose(mover.body, phase)
            draw_person(canvas, camera, mover.body, joints, place, paints=paints)

    def _drop_shadows(
        self, canvas: Canvas, camera: Camera, movers: list[tuple[Mover, Place]]
    ) -> None:
        """Shadows of what stands on the ground; they darken but have no time to cool it."""
        width, height = canvas.size_wh
        mask = np.zeros((height, width), np.uint8)
        right, along, up = self.weather.sun()
        strength = self.weather.clear if up > 0.03 and not self.light.night else 0.0
        for mover, place in movers:
            if place.ahead > 50.0:
                continue
            size = (0.9, 2.1) if mover.car is not None else (0.28, 0.28)
            foot = rectangle(
                place.lateral - size[0],
                place.lateral + size[0],
                place.ahead - size[1],
                place.ahead + size[1],
            )
            if abs(math.sin(place.heading)) > 0.7:
                foot = rectangle(
                    place.lateral - size[1],
                    place.lateral + size[1],
                    place.ahead - size[0],
                    place.ahead + size[0],
                )
            value = 90
            if strength > 0.1:
                tall = 1.4 if mover.car is not None else 1.6
                reach = min(tall / up, 12.0)
                tip = foot - reach * np.array((right, along))
                foot = cv2.convexHull(np.concatenate([foot, tip]).astype(np.float32))[:, 0]
                value = int(60 + 110 * strength)
            world = np.concatenate([foot, np.zeros((len(foot), 1))], axis=1)
            cv2.fillPoly(mask, [fixed_point(camera.project(world))], value, cv2.LINE_8, SHIFT)
        if self.light.night:
            mask //= 2
        rows = np.flatnonzero(mask.any(axis=1))
        if len(rows) == 0:
            return
        part = slice(int(rows[0]), int(rows[-1]) + 1)
        soft = cv2.blur(mask[part], (5, 3))
        soft[canvas.ident[part] == 7] = 0
        keep = cv2.cvtColor(cv2.bitwise_not(soft), cv2.COLOR_GRAY2RGB)
        block = canvas.surface[part]
        block[..., :3] = cv2.multiply(block[..., :3], keep, scale=1 / 255)


def _billboard(tree: Tree, ahead: float) -> Panel:
    """A tree as a panel that faces the camera."""
    half = tree.height * 0.45
    left, right = (1.0, 0.0) if tree.mirrored else (0.0, 1.0)
    return Panel(
        start=(tree.lateral - half, ahead),
        end=(tree.lateral + half, ahead),
        bottom=0.0,
        top=tree.height,
        texture=tree.texture,
        class_id=6,
        span=(left, right),
    )


def _ahead(station: float, camera_station: float) -> float:
    """Distance ahead in a world that repeats, from a little behind to most of its length."""
    return (station - camera_station + 4 * _BEHIND_M) % PERIOD_M - 4 * _BEHIND_M


def _kept_clear(lateral: float, ahead: float, own: float, clearance: float) -> float:
    """Steer a mover past the camera's own path, so that none drives through the camera."""
    side = lateral - own
    lack = clearance - abs(side)
    if lack <= 0.0 or ahead >= STEER_M:
        return lateral
    share = min(1.0, (STEER_M - ahead) / (STEER_M - CLEAR_M))
    return lateral + math.copysign(lack * share, side)


def _draw_ride(settings: DriveSettings, half: float, rng: np.random.Generator) -> Ride:
    """Draw camera mounting and motion; settings that are given win."""
    fov = (
        math.exp(rng.uniform(math.log(30.0), math.log(64.0)))
        if settings.fov_deg is None
        else settings.fov_deg
    )
    high = rng.uniform(1.0, 1.9) if settings.height_m is None else settings.height_m
    pitch = rng.uniform(-4.0, 3.0) if settings.pitch_deg is None else settings.pitch_deg
    width, height = settings.size_wh
    focal = 0.5 * width / math.tan(math.radians(fov) / 2.0)
    horizon = 0.5 + focal * math.tan(math.radians(pitch)) / height
    return Ride(
        focal=focal,
        height=float(high),
        horizon=horizon,
        lateral=float(rng.uniform(-0.6, 0.6) * max(0.5, half - 1.0)),
        speed=float(rng.uniform(0.5, 9.0)),
        sway=float(rng.uniform(0.2, 1.0)),
        bend=(float(rng.normal(0.0, 0.0012)), float(rng.uniform(0.0, 0.003))),
        rise=(float(rng.normal(0.0, 0.0006)), float(rng.uniform(0.0, 0.0008))),
        yaw=float(rng.normal(0.0, 0.05)),
        start=float(rng.uniform(0.0, PERIOD_M)),
    )
